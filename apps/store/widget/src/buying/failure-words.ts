import type { Failure } from "../shop-state.ts";

/** What a refusal while choosing means here, and what to do about it; undefined where the shop's own words say it. */
export function buyingWords({ action, code, message }: Failure): string | undefined {
  switch (code) {
    case "out_of_stock":
      return action.type === "again"
        ? `${message} Choose the other things again one by one.`
        : `${message} Choose a smaller quantity, or something else.`;
    case "conflict":
      return "This order was changed elsewhere meanwhile. Here it is as it is now.";
    case "checkout_expired":
    case "checkout_not_open":
      return action.type === "buy" ? "The order that you had begun is over. Try again to begin a new one." : undefined;
    case "invalid_arguments":
      return action.type === "change" && action.change.address !== undefined
        ? "The shop cannot send these goods to this address. Check the country and the region, or collect the order."
        : invalidWords[action.type];
    case "not_found":
      return action.type === "look" ? "The shop does not have this any more." : undefined;
    default:
      return undefined;
  }
}

const invalidWords: Readonly<Record<string, string>> = {
  buy: "An order takes at most 20 of each thing, and 20 different things.",
  change: "The shop does not take this change. The order is as it was.",
  again: "The shop cannot make this order again. Choose the things one by one.",
};
