import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Call, Tool, WidgetView } from "../wire.ts";
import { Dialog } from "./dialog.tsx";
import { useServices } from "./services.ts";
import { WidgetFrame } from "./widget-frame.tsx";
import { BarButton, BarName } from "./widget-bar.tsx";

export interface WidgetModalProps {
  readonly call: Call;
  readonly args: unknown;
  readonly tool: Tool;
  readonly view: WidgetView;
  readonly params: unknown;
  readonly name: string;
  readonly host: string;
  readonly onClose: () => void;
}

/** Another template of the same app in a dialog of the host's own (`requestModal`): its edge, name and close button are never the app's. */
export function WidgetModal({ call, args, tool, view, params, name, host, onClose }: WidgetModalProps): JSX.Element {
  const { views } = useServices();
  const [problem, setProblem] = useState<string>();
  const close = (): void => void views.open.teardown([view.id]).then(onClose);
  return (
    <Dialog label={`Dialog of ${name}`} testId="widget-modal" onClose={close} wide>
      <div class="widget-bar">
        <BarName name={name} host={host} />
        <BarButton icon="close" label="Close this dialog" testId="widget-modal-close" onClick={close} />
      </div>
      {problem === undefined ? (
        <WidgetFrame
          call={call}
          args={args}
          tool={tool}
          view={view}
          html={view.html ?? ""}
          title={`Dialog of ${name}`}
          serverName={name}
          mode="modal"
          modalParams={params}
          onMode={() => {}}
          onModal={undefined}
          onOpenInApp={() => {}}
          onClose={close}
          onStop={setProblem}
          onAnew={() => setProblem("The dialog was loaded anew. Close it and try again.")}
          onLate={() => setProblem("The dialog did not load. Close it and try again.")}
        />
      ) : (
        <p class="notice notice-bad" role="alert">
          {problem}
        </p>
      )}
    </Dialog>
  );
}
