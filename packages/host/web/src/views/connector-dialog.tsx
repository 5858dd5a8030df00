import type { JSX } from "preact";
import { useConsole } from "./services.ts";
import { Dialog } from "./dialog.tsx";
import { lazyView } from "./lazy-view.tsx";

export interface ConnectorDialogProps {
  /** The connector to change; none to add one. */
  readonly connectorId: string | undefined;
  readonly onClose: () => void;
}

/** The form of a connector, beside the panels: a panel that becomes a sheet, or the other way round, takes nothing that was typed with it. */
export function ConnectorDialog({ connectorId, onClose }: ConnectorDialogProps): JSX.Element | null {
  const connector = useConsole((state) => state.connectors.find((known) => known.id === connectorId));
  if (connectorId === undefined) return <AddConnector onClose={onClose} />;
  return connector === undefined ? null : <EditConnector connector={connector} onClose={onClose} />;
}

const inDialog: NonNullable<Parameters<typeof lazyView<{ readonly onClose: () => void }>>[1]> = ({ onClose, children }) => (
  <Dialog label="Connector" testId="connector-not-loaded" onClose={onClose}>
    <div class="dialog-body">{children}</div>
  </Dialog>
);

const AddConnector = lazyView(async () => (await import("./add-connector.tsx")).AddConnector, inDialog);
const EditConnector = lazyView(async () => (await import("./edit-connector.tsx")).EditConnector, inDialog);
