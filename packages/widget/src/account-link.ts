import { accountLinkTools, type LinkHandle } from "@countersign/protocol/account-link";
import { askTool } from "./ask-tool.ts";
import type { HostBridge } from "./bridge.ts";
import { type CallError, toCallError } from "./call-error.ts";
import { createLinkQuestion, type LinkQuestionOptions, LinkUnavailable } from "./link-question.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

/** Calls through an account link, made when there is none yet. */
export interface AccountLink {
  /** Shows link and code until the user has decided, then calls. Throws `LinkUnavailable` before anything is shown, else a `CallError`. */
  call(tool: string, args: JsonObject, signal: AbortSignal | undefined): Promise<ToolResult>;
  /** Ends the link, if there is one. */
  end(): Promise<void>;
}

/** More scope may be asked for on the way, and a link that has ended is made anew; more often than that is a server going round in circles. */
const roundsMax = 3;

/** Makes the way through account links. */
export function createAccountLink(options: LinkQuestionOptions): AccountLink {
  const { bridge, held } = options;
  const question = createLinkQuestion(options);
  return {
    async call(tool, args, signal) {
      let handle = held.link ?? (await question.ask(tool, signal));
      for (let round = 1; ; round += 1) {
        try {
          const result = await askTool(bridge, accountLinkTools.call, { handle, tool, arguments: args }, signal);
          held.keepLink(handle, tool);
          return result;
        } catch (thrown) {
          const error = toCallError(thrown);
          if (round === roundsMax || !(await mustLinkAgain(bridge, handle, error, signal))) {
            throw error;
          }
          if (held.link !== undefined && held.link !== handle) {
            // A call beside this one has linked anew meanwhile; the old link ended then.
            handle = held.link;
            continue;
          }
          if (error.code !== "insufficient_scope") {
            held.dropLink();
          }
          handle = await question.ask(tool, signal).catch((refused: unknown) => {
            throw refused instanceof LinkUnavailable ? error : refused;
          });
        }
      }
    },
    async end() {
      const handle = held.link;
      if (handle !== undefined) {
        // Only whoever has the handle can end the link: it is kept until that is done.
        await askTool(bridge, accountLinkTools.end, { handle }, undefined);
        if (held.link === handle) {
          held.dropLink();
        }
      }
    },
  };
}

/** `not_found` may be the tool's own word; then the handle is still good. */
async function mustLinkAgain(bridge: HostBridge, handle: LinkHandle, error: CallError, signal: AbortSignal | undefined): Promise<boolean> {
  if (error.code !== "not_found") {
    return error.code === "authorization_required" || error.code === "insufficient_scope";
  }
  const known = await askTool(bridge, accountLinkTools.wait, { handle }, signal).then(
    () => true,
    (thrown: unknown) => toCallError(thrown).code !== "not_found",
  );
  return !known;
}
