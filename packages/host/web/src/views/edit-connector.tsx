import type { JSX } from "preact";
import { draftOfConnector, settingsOf } from "../connector-form.ts";
import type { Connector } from "../wire.ts";
import { showAnswer } from "../connector-answer.ts";
import { ConnectorForm } from "./connector-form.tsx";
import { useServices } from "./services.ts";

/** Changes a connector's name, mode or settings. */
export function EditConnector({ connector, onClose }: { readonly connector: Connector; readonly onClose: () => void }): JSX.Element {
  const { api, store } = useServices();
  return (
    <ConnectorForm
      title={`Edit ${connector.name}`}
      testId="edit-connector-dialog"
      initial={draftOfConnector(connector.name, connector.url, connector.settings)}
      isNew={false}
      hasClientSecret={connector.settings.hasClientSecret}
      action={{ idle: "Save", busy: "Saving" }}
      onClose={onClose}
      onSubmit={async (draft) => {
        const before = store.get().connectors;
        const name = draft.name.trim();
        const answer = await api.changeConnector(connector.id, { ...(name === "" ? {} : { name }), settings: settingsOf(draft) });
        if (!answer.ok) return answer.error;
        showAnswer(store, before, answer.value);
        onClose();
        return undefined;
      }}
    />
  );
}
