import type { JSX } from "preact";
import { emptyDraft, settingsOf } from "../connector-form.ts";
import { showAnswer } from "../connector-answer.ts";
import { ConnectorForm } from "./connector-form.tsx";
import { useServices } from "./services.ts";

/** Asks for a server's address and how to sign in to it, and connects it. */
export function AddConnector({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { api, store } = useServices();
  return (
    <ConnectorForm
      title="Add a connector"
      testId="add-connector-dialog"
      initial={emptyDraft}
      isNew
      hasClientSecret={false}
      action={{ idle: "Connect", busy: "Connecting" }}
      onClose={onClose}
      onSubmit={async (draft) => {
        const before = store.get().connectors;
        const answer = await api.addConnector({ url: draft.url.trim(), settings: settingsOf(draft) });
        if (!answer.ok) return answer.error;
        // The host keeps the one that is there, as it is: what was typed here must not seem to have been taken.
        const held = before.find((known) => known.id === answer.value.id);
        if (held !== undefined)
          return { message: `This server is connected already, as “${held.name}”. Edit that connector to change how it signs in.` };
        showAnswer(store, before, answer.value);
        onClose();
        return undefined;
      }}
    />
  );
}
