import { accountLinkTools, type LinkHandle, type LinkOffer, type LinkState, readLinkOffer, readLinkStatus } from "@countersign/protocol/account-link";
import { askTool } from "./ask-tool.ts";
import type { AuthorizationDesk } from "./authorization-desk.ts";
import type { AuthorizationState } from "./authorization.ts";
import type { HostBridge } from "./bridge.ts";
import { type CallError, callError, toCallError } from "./call-error.ts";
import type { HeldCalls } from "./held-calls.ts";
import { waitUntil } from "./wait-until.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

/** The app has no account links, or not now: another way has to be found. `needless`: it has, and says that this tool needs none. */
export class LinkUnavailable extends Error {
  override readonly name = "LinkUnavailable";
  readonly needless: boolean;

  constructor(needless: boolean) {
    super("no account link");
    this.needless = needless;
  }
}

/** Calls through an account link, made when there is none yet. */
export interface AccountLink {
  /** Shows link and code until the user has decided, then calls. Throws `LinkUnavailable` before anything is shown, else a `CallError`. */
  call(tool: string, args: JsonObject, signal: AbortSignal | undefined): Promise<ToolResult>;
  /** Ends the link, if there is one. */
  end(): Promise<void>;
}

export interface AccountLinkOptions {
  readonly bridge: HostBridge;
  readonly held: HeldCalls;
  readonly desk: AuthorizationDesk;
  /** Tells the chat how it went. */
  readonly tell: (line: string) => void;
}

/** More scope may be asked for on the way, and a link that has ended is made anew; more often than that is a server going round in circles. */
const roundsMax = 3;

const needlessCodes: ReadonlySet<string> = new Set(["invalid_request", "invalid_arguments", "unknown_tool", "tool_not_visible", "not_found"]);

const endings: Readonly<Record<Exclude<LinkState, "pending" | "linked">, { readonly state: AuthorizationState; readonly error: () => CallError }>> = {
  denied: { state: "denied", error: () => callError("access_denied", "Access was not granted.", true) },
  expired: { state: "expired", error: () => callError("flow_expired", "Sign-in took too long. Please try again.", true) },
  failed: { state: "denied", error: () => callError("flow_failed", "Sign-in did not work. Please try again.", true) },
};

/** Makes the way through account links. Parallel calls share one question to the user. */
export function createAccountLink({ bridge, held, desk, tell }: AccountLinkOptions): AccountLink {
  let asking: { readonly done: Promise<LinkHandle>; readonly stop: AbortController; waiting: number } | undefined;

  const ask = async (tool: string, stop: AbortController): Promise<LinkHandle> => {
    const offer = await findOffer(bridge, tool, held.link, stop.signal);
    const { handle, link, code, expiresAt } = offer;
    const turn = desk.begin();
    turn.show({ state: "required", rung: "link", tool, link, code, expiresAt });
    try {
      const state = (await waitUntil(() => statusOf(bridge, handle, stop.signal), { expiresAt, signal: stop.signal })) ?? "expired";
      if (state !== "linked") {
        throw endings[state].error();
      }
      held.keepLink(handle);
      turn.end({ state: "granted", rung: "link", tool });
      tell("The user signed in to this app by its link.");
      return handle;
    } catch (thrown) {
      const error = toCallError(thrown);
      const state = Object.values(endings).find((ending) => ending.error().code === error.code)?.state;
      turn.end({ state: state ?? (stop.signal.aborted ? "idle" : "denied"), rung: "link", tool });
      if (state !== undefined) {
        tell(state === "denied" ? "The user did not sign in to this app." : "Signing in to this app took too long.");
      }
      throw error;
    }
  };

  const join = async (tool: string, signal: AbortSignal | undefined): Promise<LinkHandle> => {
    if (asking === undefined) {
      const stop = new AbortController();
      const done = ask(tool, stop).finally(() => {
        asking = undefined;
      });
      asking = { done, stop, waiting: 0 };
    }
    const mine = asking;
    mine.waiting += 1;
    try {
      return await untilAborted(mine.done, signal);
    } finally {
      mine.waiting -= 1;
      // Nobody waits any more: the question goes from the screen.
      if (mine.waiting === 0) {
        mine.stop.abort();
      }
    }
  };

  return {
    async call(tool, args, signal) {
      let handle = held.link ?? (await join(tool, signal));
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
          if (error.code !== "insufficient_scope") {
            held.dropLink();
          }
          handle = await join(tool, signal).catch((refused: unknown) => {
            throw refused instanceof LinkUnavailable ? error : refused;
          });
        }
      }
    },
    async end() {
      const handle = held.link;
      if (handle !== undefined) {
        held.dropLink();
        await askTool(bridge, accountLinkTools.end, { handle }, undefined);
      }
    },
  };
}

/** With a handle the new link takes the place of that one, once the user agrees. */
async function findOffer(bridge: HostBridge, tool: string, handle: LinkHandle | undefined, signal: AbortSignal): Promise<LinkOffer> {
  try {
    const asked = await askTool(bridge, accountLinkTools.link, { tool, ...(handle === undefined ? {} : { handle }) }, signal);
    const offer = readLinkOffer(asked._meta);
    if (offer !== undefined) {
      return offer;
    }
  } catch (thrown) {
    const error = toCallError(thrown);
    if (signal.aborted) {
      throw error;
    }
    // Where there are no account links, hosts and servers say so in many ways, but none of them is that tool's own refusal.
    throw new LinkUnavailable(error.result !== undefined && needlessCodes.has(error.code));
  }
  throw new LinkUnavailable(false);
}

/** How the user decided; undefined while nobody has. */
async function statusOf(bridge: HostBridge, handle: LinkHandle, signal: AbortSignal): Promise<Exclude<LinkState, "pending"> | undefined> {
  const status = readLinkStatus((await askTool(bridge, accountLinkTools.wait, { handle }, signal)).structuredContent)?.status;
  if (status === undefined) {
    throw callError("protocol_error", "The app's answer could not be understood.", false);
  }
  return status === "pending" ? undefined : status;
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

function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(callError("cancelled", "Cancelled.", true));
    answer.then(resolve, reject).finally(() => signal?.removeEventListener("abort", onAbort));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) {
      onAbort();
    }
  });
}
