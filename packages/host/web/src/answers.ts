import type { ElicitAnswer } from "@countersign/protocol/elicitation";
import type { Answer, ApiProblem } from "./api.ts";
import type { Asking } from "./asking.ts";
import type { SignInWindow } from "./sign-in.ts";
import { openAskings } from "./state.ts";
import type { Store } from "./store.ts";
import type { Call } from "./wire.ts";

export interface AnswersOptions {
  readonly store: Store;
  /** Opens the inert waiting page; `undefined` when the browser did not give a window. */
  readonly openWindow: () => SignInWindow | undefined;
  readonly answerCall: (callId: string, round: number, answers: readonly ElicitAnswer[]) => Answer<Call>;
  readonly cancelCall: (callId: string) => Promise<unknown>;
  readonly now: () => number;
  readonly origin: string;
}

export interface Answers {
  /** Opens one address; call it inside the click, nothing else ever opens one (M18). False: the browser gave no window. */
  readonly open: (call: Call, index: number) => boolean;
  readonly answer: (call: Call, answers: readonly ElicitAnswer[]) => Promise<ApiProblem | undefined>;
  /** Ends the call without an answer. */
  readonly cancel: (call: Call) => void;
  /** The user looks at this page again: calls whose addresses were all visited from it go on by themselves, once each. */
  readonly returned: () => void;
}

/** Longer than the focus takes to move to a window that has just been opened. */
const awayMsMin = 700;

/** What this page says to servers' questions. Facts come from the host: an address counts as opened once the host has led a browser there. */
export function createAnswers(options: AnswersOptions): Answers {
  const { store, now } = options;
  const openedAt = new Map<string, number>();
  const tried = new Set<string>();
  const send = async (call: Call, asking: Asking, answers: readonly ElicitAnswer[]): Promise<ApiProblem | undefined> => {
    const answered = await options.answerCall(call.id, asking.round, answers);
    if (answered.ok) store.dispatch({ type: "call", call: answered.value });
    return answered.ok ? undefined : answered.error;
  };
  const goOn = (call: Call, asking: Asking): void => {
    const at = openedAt.get(call.id);
    // Asked the same again, the user says when to try: a server that is never content must not be called each time somebody looks.
    if (at === undefined || now() - at < awayMsMin || asking.again || asking.style === "live" || tried.has(`${call.id} ${asking.round}`)) return;
    if (!asking.items.every((item) => item.kind === "url" && item.opened)) return;
    tried.add(`${call.id} ${asking.round}`);
    void send(
      call,
      asking,
      asking.items.map(() => ({ action: "accept" })),
    );
  };
  return {
    open: (call, index) => {
      const item = call.asking?.items[index];
      const window = options.openWindow();
      if (item?.kind !== "url" || window === undefined) {
        window?.close();
        return false;
      }
      openedAt.set(call.id, now());
      window.navigate(new URL(item.visitUrl, options.origin).href);
      return true;
    },
    answer: async (call, answers) => (call.asking === undefined ? undefined : send(call, call.asking, answers)),
    cancel: (call) => void options.cancelCall(call.id),
    returned: () => {
      for (const { call, asking } of openAskings(store.get())) goOn(call, asking);
    },
  };
}
