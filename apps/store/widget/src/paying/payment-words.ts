import type { IconName } from "@countersign/look/icons";
import type { PaymentStage } from "./payment-stage.ts";

/** What the panel says at a stage. */
export interface StageWords {
  readonly icon: IconName;
  readonly tone: "quiet" | "busy" | "good" | "warn" | "bad";
  readonly title: string;
  readonly text: string;
  /** Of the button that pays; undefined where there is nothing to press. */
  readonly button: string | undefined;
}

export interface WordFacts {
  /** The sum, as people write it. */
  readonly total: string;
  /** Until when the price is held, as people write it. */
  readonly until: string;
  /** The shop's words about the failure. */
  readonly message: string;
  /** The user is signed in already: what is asked for now is a step up from that. */
  readonly isSignedIn: boolean;
}

const neverTwice = "You are never charged twice.";
const pay = ({ total }: WordFacts): string => `Pay ${total}`;
const again = (facts: WordFacts): string => `Try again · ${pay(facts)}`;
const stepUp = ({ isSignedIn }: WordFacts): string =>
  isSignedIn ? "You are signed in; a payment needs your passkey once more, for exactly this sum. " : "";

const words: Readonly<Record<PaymentStage, (facts: WordFacts) => StageWords>> = {
  ready: (facts) => ({
    icon: "passkey",
    tone: "quiet",
    title: "",
    text: `Your passkey, or a policy that you signed, approves exactly this sum. The price is held until ${facts.until}.`,
    button: pay(facts),
  }),
  asking: () => ({ icon: "wallet", tone: "busy", title: "Asking your wallet", text: "Nothing is charged before you approve it.", button: undefined }),
  window: (facts) => ({
    icon: "wallet",
    tone: "busy",
    title: "Approve in your wallet’s window",
    text: `${stepUp(facts)}This page goes on by itself.`,
    button: undefined,
  }),
  continue: (facts) => ({
    icon: "wallet",
    tone: "warn",
    title: "Press Continue in the chat",
    text: `${stepUp(facts)}No window could be opened from here. Continue opens your wallet.`,
    button: undefined,
  }),
  link: () => ({
    icon: "phone",
    tone: "busy",
    title: "Approve on this device or another one",
    text: "Open the page here, or scan its code with your phone. This page goes on by itself.",
    button: undefined,
  }),
  chat: (facts) => ({
    icon: "chat",
    tone: "quiet",
    title: "Go on in the chat",
    text: "The chat was asked to pay. Its answer comes there.",
    button: again(facts),
  }),
  charging: () => ({ icon: "bank", tone: "busy", title: "Approved", text: `Your bank is being asked. ${neverTwice}`, button: undefined }),
  denied: (facts) => ({
    icon: "close",
    tone: "bad",
    title: "You did not approve",
    text: "Nothing was charged. Your order is still here.",
    button: again(facts),
  }),
  stopped: (facts) => ({
    icon: "stop",
    tone: "quiet",
    title: "You stopped the payment",
    text: "Nothing is charged unless you approve it. Your order is still here.",
    button: again(facts),
  }),
  lapsed: (facts) => ({
    icon: "clock",
    tone: "warn",
    title: "The time to approve is over",
    text: "Nothing was charged. Your order is still here.",
    button: again(facts),
  }),
  declined: (facts) => ({
    icon: "bank",
    tone: "bad",
    title: "Your bank declined",
    text: `${facts.message} Nothing was charged.`,
    button: again(facts),
  }),
  over_limit: (facts) => ({
    icon: "sliders",
    tone: "bad",
    title: "Over a limit of yours",
    text: `${facts.message} Nothing was charged.`,
    button: again(facts),
  }),
  failed: (facts) => ({ icon: "alert", tone: "bad", title: "This did not work", text: facts.message, button: again(facts) }),
  unconfirmed: () => ({
    icon: "bank",
    tone: "busy",
    title: "Your bank has not answered yet",
    text: `You approved, and there is nothing to do: the shop asks again by itself. ${neverTwice}`,
    button: "Check now",
  }),
  elsewhere: (facts) => ({
    icon: "clock",
    tone: "busy",
    title: "Waiting for an approval",
    text: "This payment was begun before. It goes on by itself when it is approved; you can also approve it here.",
    button: pay(facts),
  }),
  doubted: (facts) => ({
    icon: "alert",
    tone: "warn",
    title: "The shop does not answer",
    text: `${facts.message} This page looks again by itself. ${neverTwice}`,
    button: again(facts),
  }),
  paid: () => ({ icon: "check", tone: "good", title: "This order is paid.", text: "", button: "Show receipt" }),
  expired: () => ({
    icon: "clock",
    tone: "warn",
    title: "The time to pay this order is over",
    text: "Nothing was charged. Prices and goods may have changed since.",
    button: undefined,
  }),
  canceled: () => ({ icon: "close", tone: "quiet", title: "This order was canceled", text: "Nothing was charged.", button: undefined }),
};

/** Writes the words: what happens, and what to do. */
export function wordsOf(stage: PaymentStage, facts: WordFacts): StageWords {
  return words[stage](facts);
}
