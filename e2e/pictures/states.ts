/** Who shows a state. */
export type Party = "Console" | "Wallet" | "Bank" | "Shop";

/** One state of one page, as its tests name its pictures: `<name>-<light|dark>-<size>`. */
export interface PictureState {
  readonly party: Party;
  readonly name: string;
  readonly title: string;
}

const of = (party: Party, states: Readonly<Record<string, string>>): readonly PictureState[] =>
  Object.entries(states).map(([name, title]) => ({ party, name, title }));

/** The states whose pictures the documents keep, in the order in which they are shown. */
export const pictureStates: readonly PictureState[] = [
  ...of("Console", {
    "looks/console-empty": "Nothing said yet",
    "states/console-loading": "Loading",
    "states/console-failed": "The host does not answer",
    "states/console-offline": "The connection was lost",
    "states/console-no-connectors": "Nothing connected",
    "states/console-tools": "The tools",
    "states/console-form": "The form of a tool",
    "states/console-acting": "Another host is acted out",
    "states/console-settings": "Which host is acted out, and the tools that only views call",
    "model/thinking": "A model thinks",
    "model/writing": "An answer while it is written",
    "model/markdown": "What a model writes",
    "model/call-written": "A tool call while it is written",
    "model/parallel-calls": "Two calls at a time",
    "model/stopped": "An answer that was stopped",
    "model/call-unmade": "A call that was not made",
    "model/busy": "A model that is busy",
    "model/broken": "An answer that broke off",
    "looks/products": "A view in the conversation",
    "looks/sign-in-waiting": "A sign-in in its window",
    "looks/sign-in-device": "A sign-in on another device",
    "looks/asked-again": "Just after a no: a card asks first",
    "states/console-expired": "Nobody signed in in time",
    "states/console-stopped": "A call that was stopped",
    "states/console-unreachable": "A server that does not answer",
    "looks/receipt": "Paid",
    "looks/asking-visit": "A server asks for a visit",
    "looks/asking-form": "A server asks for details",
    "looks/view-pip": "A view beside the conversation",
    "looks/view-dialog": "A view's dialog",
    "looks/file-question": "A view asks for files",
    "looks/tool-changed": "A tool that changed",
    "looks/add-connector": "Add a connector",
    "looks/connectors-in-trouble": "Connectors in trouble",
    "looks/not-loaded": "A part that could not be loaded",
    "looks/page-flows-none-start": "A window whose sign-in is over",
    "trace/export": "A trace to take away",
    "doctor/form": "The doctor",
    "doctor/running": "The doctor looks at a server",
    "doctor/matrix": "How a server fares in each host",
    "doctor/cell": "Why, what to do, and who says so",
    "doctor/unreached": "A server that the doctor does not reach",
  }),
  ...of("Wallet", {
    "looks/sign-in": "Sign in",
    "looks/consent": "Allow an app",
    "looks/payment": "Approve a payment",
    "states/wallet-insufficient": "Too little money",
    "states/wallet-withdrawn": "A payment that is no longer asked for",
    "wallet-looks/unknown-payment": "A payment that is not there",
    "wallet-looks/over-interaction": "A window that is too old",
    "wallet-looks/unknown-client": "An app that nobody knows",
    "wallet-looks/landing": "The wallet's own page",
    "wallet-looks/device": "Enter a code",
    "wallet-looks/account": "The account",
    "wallet-looks/account-payments": "Payments",
    "wallet-looks/account-apps": "Apps",
    "wallet-looks/account-passkeys": "Passkeys",
    "wallet-looks/account-limits": "Limits",
    "wallet-looks/account-activity": "Activity",
    "wallet-looks/signed-out": "Signed out",
  }),
  ...of("Bank", {
    "states/bank-signed-out": "Signed out",
    "states/bank-empty": "No account yet",
    "states/bank-accounts": "Accounts",
    "states/bank-statement": "A statement",
  }),
  ...of("Shop", {
    "states/shop-loading": "Loading",
    "states/shop-failed": "The shop does not answer",
    "states/shop-short": "Too little of it is left",
    "buy-shelf": "The shelf",
    "buy-empty": "An empty order",
    "buy-product": "A product",
    "buy-order": "An order",
    "buy-address-problems": "An address that lacks something",
    "buy-sent": "An order that is sent",
    "buy-canceled": "An order that was canceled",
    "looks/declined": "A payment that was not approved",
    "looks/orders-empty": "No orders yet",
    "looks/orders": "Orders",
  }),
];

export type Scheme = "light" | "dark";
export type Screen = "desktop" | "phone";

/** The four dresses of each state, in the order in which they are shown. */
export const dresses: readonly (readonly [Scheme, Screen])[] = [
  ["light", "desktop"],
  ["dark", "desktop"],
  ["light", "phone"],
  ["dark", "phone"],
];

/** How tests name a screen in their pictures: in words or by its width. */
const sizes: Readonly<Record<Screen, readonly string[]>> = { desktop: ["desktop", "1280", "900"], phone: ["phone", "360"] };

/** The files among the artifacts of the tests that one picture may come from. */
export function sourcesOf(state: string, scheme: Scheme, screen: Screen): readonly string[] {
  return sizes[screen].map((size) => `${state}-${scheme}-${size}.png`);
}

/** The file among the documents' pictures. */
export function fileOf(state: string, scheme: Scheme, screen: Screen): string {
  return `${state.replaceAll("/", "-")}-${scheme}-${screen}.jpg`;
}
