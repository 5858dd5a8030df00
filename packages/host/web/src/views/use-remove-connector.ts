import { useState } from "preact/hooks";
import type { Connector } from "../wire.ts";
import { useServices } from "./services.ts";

export interface RemoveConnector {
  readonly remove: () => Promise<void>;
  readonly removing: boolean;
  readonly problem: string | undefined;
}

/** Removes a connector that the user added, and tells why that did not work. */
export function useRemoveConnector({ id }: Connector): RemoveConnector {
  const { api, console } = useServices();
  const [removing, setRemoving] = useState(false);
  const [problem, setProblem] = useState<string>();
  const remove = async (): Promise<void> => {
    setRemoving(true);
    const answer = await api.removeConnector(id);
    setRemoving(false);
    if (answer.ok) await console.refresh();
    else setProblem(answer.error.message);
  };
  return { remove, removing, problem };
}
