import { type Call, titleOf } from "../wire.ts";
import { useConsole } from "./services.ts";

/** What people call the tool of a call: its title when its server is listed, else its name in words. */
export function useToolTitle(): (call: Call) => string {
  const tools = useConsole((state) => state.tools);
  return (call) => {
    const listed = tools[call.connectorId];
    const tool = listed?.state === "ready" ? listed.tools.find((known) => known.name === call.tool) : undefined;
    return tool?.title ?? titleOf(call.tool);
  };
}
