import { accountLinkTools, type LinkHandle, type LinkOffer, type LinkState, readLinkOffer, readLinkStatus } from "@countersign/protocol/account-link";
import { askTool } from "./ask-tool.ts";
import type { AuthorizationDesk } from "./authorization-desk.ts";
import type { AuthorizationState } from "./authorization.ts";
import type { HostBridge } from "./bridge.ts";
import { type CallError, callError, toCallError } from "./call-error.ts";
import type { HeldCalls } from "./held-calls.ts";
import { untilAborted } from "./until-aborted.ts";
import { waitUntil } from "./wait-until.ts";

/** The app has no account links, or not now: another way has to be found. `needless`: it has, and says that this tool needs none. */
export class LinkUnavailable extends Error {
  override readonly name = "LinkUnavailable";
  readonly needless: boolean;

  constructor(needless: boolean) {
    super("no account link");
    this.needless = needless;
  }
}

/** Asks the user to link an account. */
export interface LinkQuestion {
  /** Shows link and code until the user has decided; calls that ask meanwhile share the question. Throws `LinkUnavailable` before anything is shown. */
  ask(tool: string, signal: AbortSignal | undefined): Promise<LinkHandle>;
}

export interface LinkQuestionOptions {
  readonly bridge: HostBridge;
  readonly held: HeldCalls;
  readonly desk: AuthorizationDesk;
  /** Tells the chat how it went. */
  readonly tell: (line: string) => void;
}

const needlessCodes: ReadonlySet<string> = new Set(["invalid_request", "invalid_arguments", "unknown_tool", "tool_not_visible", "not_found"]);

const endings: Readonly<Record<Exclude<LinkState, "pending" | "linked">, { readonly state: AuthorizationState; readonly error: () => CallError }>> = {
  denied: { state: "denied", error: () => callError("access_denied", "Access was not granted.", true) },
  expired: { state: "expired", error: () => callError("flow_expired", "Sign-in took too long. Please try again.", true) },
  failed: { state: "denied", error: () => callError("flow_failed", "Sign-in did not work. Please try again.", true) },
};

/** Opens the question of one connection. */
export function createLinkQuestion(options: LinkQuestionOptions): LinkQuestion {
  let asking: { readonly done: Promise<LinkHandle>; readonly stop: AbortController; waiting: number } | undefined;
  return {
    async ask(tool, signal) {
      if (asking === undefined) {
        const stop = new AbortController();
        const done = askOnce(options, tool, stop.signal).finally(() => {
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
    },
  };
}

async function askOnce({ bridge, held, desk, tell }: LinkQuestionOptions, tool: string, signal: AbortSignal): Promise<LinkHandle> {
  const { handle, link, code, expiresAt } = await findOffer(bridge, tool, held.link, signal);
  const turn = desk.begin();
  turn.show({ state: "required", rung: "link", purpose: "sign_in", tool, link, code, expiresAt });
  try {
    const state = (await waitUntil(() => statusOf(bridge, handle, signal), { expiresAt, signal })) ?? "expired";
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
    turn.end({ state: state ?? (signal.aborted ? "idle" : "denied"), rung: "link", tool });
    if (state !== undefined) {
      tell(state === "denied" ? "The user did not sign in to this app." : "Signing in to this app took too long.");
    }
    throw error;
  }
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
