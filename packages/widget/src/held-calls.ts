import { type LinkHandle, readLinkHandle } from "@countersign/protocol/account-link";
import { type ApprovalAnswer, approvalMetaKey, readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { textList } from "@countersign/protocol/shape";
import { isObject, textOf, type JsonObject } from "./wire.ts";
import type { HeldState } from "./widget-state.ts";

/** A call whose tool waits for the user's approval outside the chat. */
export interface WaitingCall {
  readonly tool: string;
  readonly args: JsonObject;
  readonly answer: ApprovalAnswer;
}

/** What outlives a reload where the host keeps the widget's state: the handles, and what they are good for. Never a token: the view has none. */
export interface HeldCalls {
  readonly link: LinkHandle | undefined;
  /** Whether this tool's calls have gone through the link before. */
  isLinked(tool: string): boolean;
  /** A new handle takes the place of the old one: whoever linked again asked for at least as much. */
  keepLink(handle: LinkHandle, tool?: string): void;
  dropLink(): void;
  readonly waiting: readonly WaitingCall[];
  keepWaiting(call: WaitingCall): void;
  dropWaiting(tool: string, args: JsonObject): void;
}

const toolsMax = 50;
const waitingMax = 5;
/** A larger call is not kept: hosts bound the state of a widget, and losing it must not lose the app's own part. */
const argsLengthMax = 2_000;

/** Reads what an earlier life of this widget left; anything malformed or over counts as absent. */
export function openHeldCalls(state: HeldState): HeldCalls {
  const stored = state.held();
  let link = readLinkHandle(isObject(stored) ? stored["link"] : undefined);
  let tools: readonly string[] = (isObject(stored) ? textList(stored["tools"], toolsMax, 128) : undefined) ?? [];
  let waiting = readWaiting(isObject(stored) ? stored["waiting"] : undefined);
  const save = (): void => {
    const nothing = link === undefined && waiting.length === 0;
    const kept = waiting.filter((call) => JSON.stringify(call.args).length <= argsLengthMax);
    state.hold(nothing ? undefined : { ...(link === undefined ? {} : { link, tools }), waiting: kept });
  };
  const others = (tool: string, args: JsonObject): readonly WaitingCall[] => waiting.filter((call) => !isSameCall(call, tool, args));
  return {
    get link() {
      return link;
    },
    isLinked: (tool) => link !== undefined && tools.includes(tool),
    keepLink(handle, tool) {
      if (link === handle && (tool === undefined || tools.includes(tool))) {
        return;
      }
      tools = [...new Set([...tools, ...(tool === undefined ? [] : [tool])])].slice(-toolsMax);
      link = handle;
      save();
    },
    dropLink() {
      link = undefined;
      tools = [];
      save();
    },
    get waiting() {
      return waiting;
    },
    keepWaiting(call) {
      waiting = [...others(call.tool, call.args), call].slice(-waitingMax);
      save();
    },
    dropWaiting(tool, args) {
      waiting = others(tool, args);
      save();
    },
  };
}

/** Whether a call is this one: the same tool, with the same values in the same order. */
export function isSameCall(call: Pick<WaitingCall, "tool" | "args">, tool: string, args: JsonObject): boolean {
  return call.tool === tool && JSON.stringify(call.args) === JSON.stringify(args);
}

function readWaiting(stored: unknown): readonly WaitingCall[] {
  const calls: readonly unknown[] = Array.isArray(stored) ? stored.slice(0, waitingMax) : [];
  return calls.flatMap((call) => {
    const tool = isObject(call) ? textOf(call["tool"]) : undefined;
    const args = isObject(call) ? call["args"] : undefined;
    const answer = readApprovalAnswer({ [approvalMetaKey]: isObject(call) ? call["answer"] : undefined }, Date.now());
    const isLive = answer.ok && answer.value !== undefined && answer.value.expiresAt > Date.now();
    return isLive && answer.value !== undefined && tool !== undefined && isObject(args) ? [{ tool, args, answer: answer.value }] : [];
  });
}
