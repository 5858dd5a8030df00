import { type Requirement, scenario } from "./requirement.ts";

/** What the product promises about payments, from the shop's view to the bank. */
export const paymentRequirements: readonly Requirement[] = [
  {
    id: "pay-ucp-1",
    rule: "The shop sells by the Universal Commerce Protocol, over MCP and REST: an agent prices and ships, the buyer approves on the wallet's page, and the order completes whether or not the agent asks again.",
    shownBy: [
      scenario("ucp", "is sold to by a client that somebody else made"),
      scenario("ucp", "tells that client what to put right, and what cannot be"),
      { file: "apps/store/test/ucp/sessions.test.ts", title: "a purchase goes from goods to a shipped order" },
      { file: "apps/store/test/ucp/sessions.test.ts", title: "P08 P10 a key stands for one request" },
      { file: "apps/store/test/orders/order-page.test.ts", title: "shows what was bought to whoever was given its address" },
    ],
  },
  {
    id: "pay-published-schemas-1",
    rule: "Whoever has the schemas that an agents' protocol publishes can hold every request and every answer of the shop against them, by one command that says where they are and what does not fit.",
    spec: "UCP 2026-08-25",
    shownBy: [
      scenario("published-schemas", "pass schemas that fit them, in every state of a session"),
      scenario("published-schemas", "fail a schema that forbids a member, and each answer says where"),
      scenario("published-schemas", "fail where a request leaves out what its operation requires"),
      scenario("published-schemas", "that %s is said in one sentence"),
      scenario("published-schemas", "that is not named, or is no JSON, ends the command with 2 and one sentence"),
      scenario("published-schemas", "make a member forbidden, required or optional for their operation alone"),
    ],
  },
  {
    id: "pay-published-schemas-2",
    rule: "The same command holds the shop's sessions and errors against the schemas that ACP publishes.",
    spec: "ACP 2026-04-17",
    shownBy: [
      scenario("published-acp-schemas", "pass definitions that fit them, in every state of a session and for every error"),
      scenario("published-acp-schemas", "fail a definition that forbids a member, and say in which answer and where"),
      scenario("published-acp-schemas", "fail for a request that does not fit, for an error and for the discovery document alike"),
      scenario("published-acp-schemas", "that %s is said in one sentence"),
      scenario("published-acp-schemas", "that is not there ends the command with 2, and a failing answer with 1"),
    ],
  },
  {
    id: "pay-another-device-1",
    rule: "An approval on another device reaches the view that waits for it by the answer that it holds open, and completes the order even when the view is gone.",
    shownBy: [
      scenario("another-device", "shows a second person's approval without asking again, from the very address that its QR code holds"),
      scenario("another-device", "completes the order of a view that was closed before the approval, and lists it for whoever approved"),
    ],
  },
  {
    id: "pay-refund-1",
    rule: "A refund over the shop's limit is approved with the passkey, on a page that says what comes back, through every host that steps up.",
    shownBy: [
      scenario("refund", "is approved with the passkey in a window of the console, and the view's call then has it"),
      scenario("refund", "is approved through a client that knows only the step-up of its protocol"),
    ],
  },
  {
    id: "pay-limits-1",
    rule: "Limits hold when payments are approved at the same moment, and count what the bank took: not what was left, and not less for what was given back.",
    shownBy: [
      scenario(
        "limits",
        "P13: approve exactly as many of 20 payments at once as fit, and agree on what was taken when parts are captured, voided and refunded",
      ),
    ],
  },
  {
    id: "pay-acp-1",
    rule: "An agent that speaks the Agentic Commerce Protocol buys for a person who approves in their wallet, and is told of the order; it holds nothing that could pay.",
    spec: "ACP 2026-04-17; ACP webhooks",
    shownBy: [
      scenario("acp", "sells to a shopping agent when a person approves at the address that it was given, and tells it of the order"),
      scenario("acp", "tells the agent that the person said no, and sells under the next approval, once"),
    ],
  },
  {
    id: "pay-buy-1",
    rule: "A person buys in the shop's view from the choice of a variant to the receipt: an order of several lines, an address, a way of delivery, changes, a change of mind. Every figure is the shop's.",
    shownBy: [
      scenario("buy", "picks a variant, has two products sent by express, changes and cancels the order, orders it again and pays"),
      scenario("buy", "is asked for no approval any more once the order is canceled, and the wallet takes none"),
      scenario("buy", "finds its order again after a reload, as it is now, and where it stood"),
      scenario("buy", "goes along with whoever uses the keyboard: to the heading of each screen, to the first field that lacks something"),
      scenario("buy", "says that the price changed when the order was changed elsewhere, and asks for no other sum than the button's"),
      scenario("buy", "says when the time of the order is over, and orders the same again"),
      scenario("buy", "shows sums in %s as they are written, and names of any length, on the smallest screen"),
      scenario("buy", "sees every screen up to the pay button whole, in %s and %s pixels wide, and everybody can use it"),
    ],
  },
  {
    id: "pay-states-1",
    rule: "At every stage of a payment the view says what happens and what to do; one checkout is charged once, whatever happened on the way.",
    shownBy: [
      scenario("paying", "window lost and opened again, denied, Continue, stopped, and paid at last: one checkout, one charge"),
      scenario("paying", "a step up from a sign-in, a bank that does not answer, and an order that is refunded in part and whole"),
      scenario("paying", "a shop that does not answer while the user approves: the view says so, looks again, and finds the order paid"),
      scenario("paying", "link and QR code stand where the payment is, with the time that is left, and above the shop when the user walks on"),
      scenario("paying", "a payment whose order the chat cancels ends here too, and is told to the chat once"),
      scenario("paying", "a payment that nobody approved in time says so, and the same can be ordered again"),
      scenario("paying", "every other word of the shop has its stage, says whether anything was charged, and leaves a way on"),
      scenario("paying", "a guest's receipt comes back by its handle, which neither the model nor the page's address has"),
    ],
  },
];
