import { developerRequirements } from "./developer-requirements.ts";
import { exampleRequirements } from "./example-requirements.ts";
import { kitRequirements } from "./kit-requirements.ts";
import { paymentRequirements } from "./payment-requirements.ts";
import { reliabilityRequirements } from "./reliability-requirements.ts";
import { type Requirement, scenario } from "./requirement.ts";
import { walletRequirements } from "./wallet-requirements.ts";

/** What the product promises, each with the tests that show it. The gate in `coverage.test.ts` keeps both sides honest. */
export const requirements: readonly Requirement[] = [
  ...developerRequirements,
  ...exampleRequirements,
  ...kitRequirements,
  ...paymentRequirements,
  ...reliabilityRequirements,
  ...walletRequirements,
  {
    id: "browse-1",
    rule: "The store is connected in mixed mode without a sign-in, and anonymous tools work from forms made of their schemas.",
    shownBy: [
      scenario("browse", "has the store connected without a sign-in"),
      scenario("browse", "makes the form of a tool from its schema"),
      scenario("browse", "leaves no script error behind"),
    ],
  },
  {
    id: "connect-1",
    rule: "A server that answers nothing without sign-in is connected by one click, its tools stay in sight when it needs sign-in again, and it is followed when it opens up.",
    shownBy: [
      scenario("connect", "says so, signs in by one click, and then shows its tools"),
      scenario("connect", "needs it again after sign-out, and keeps showing the tools meanwhile"),
      scenario("connect", "is followed when the server opens up"),
    ],
  },
  {
    id: "connect-3",
    rule: "A tool that changed after it was used is paused for everybody until the user has seen the change and agreed.",
    shownBy: [scenario("connect", "M13 shows what changed about a tool that was used")],
  },
  {
    id: "connect-2",
    rule: "A connector is added, changed and removed in the console, by keyboard too; what is wrong is said beside the field.",
    shownBy: [
      scenario("connect", "is added by address, tells what is wrong beside the field"),
      scenario("connect", "is a card and a form that anybody can read and reach by keyboard"),
      scenario("connect", "is signed in to and edited by keyboard alone"),
    ],
  },
  {
    id: "sandbox-1",
    rule: "A view runs on an origin of its own, reaches nothing it did not declare, and only its own messages count.",
    spec: "MCP Apps 2026-01-26, sandbox proxy",
    shownBy: [
      scenario("browse", "shows the view on an origin of its own"),
      scenario("browse", "V05 lets the view reach nothing"),
      scenario("browse", "V01 ignores messages that come from anywhere but"),
    ],
  },
  {
    id: "sandbox-2",
    rule: "A hostile view gets nothing out by any way that a page without a sandbox has: no request, no connection, no packet.",
    spec: "CSP level 3; WICG Connection Allowlists",
    shownBy: [
      scenario("escape", "V05 the control proves each channel"),
      scenario("escape", "V05 nothing leaves by %s"),
      scenario("escape", "V05 nothing leaves by the markup itself"),
      scenario("escape", "V05 nothing is seen either of the channels"),
      scenario("escape", "V05 where the browser knows no Connection-Allowlist"),
      scenario("declared-domains", "V05 reaches that domain by each way"),
      scenario("declared-domains", "V22 the console works on when the browser ends"),
    ],
  },
  {
    id: "sandbox-3",
    rule: "A hostile view reaches neither the console nor another view: no forged message, no probe, no storage, no crossed reply, no navigated frame.",
    shownBy: [
      scenario("isolation", "V01 drops a message that does not come from"),
      scenario("isolation", "V02 tells nothing to a page that the view's frame was led to"),
      scenario("isolation", "V03 an ordinary page may do what the probes try"),
      scenario("isolation", "V03 refuses %s"),
      scenario("isolation", "V03 opens no window and no dialog"),
      scenario("isolation", "V04 shares nothing between views"),
      scenario("isolation", "V16 answers each view only"),
    ],
  },
  {
    id: "sandbox-4",
    rule: "A hostile document cannot loosen its policy, grab permissions, leave its bounds, imitate the host's edge, stop the host or change its objects.",
    shownBy: [
      scenario("hostile-documents", "V06 shows no view for the declared domain"),
      scenario("hostile-documents", "V23 shows no view that asks for"),
      scenario("hostile-documents", "V23 gives a view the features that it declared"),
      scenario("hostile-documents", "V07 keeps a view within its bounds"),
      scenario("hostile-documents", "V08 draws its own edge"),
      scenario("hostile-documents", "V14 refuses a message of 50 MB"),
      scenario("hostile-documents", "V14 handles a click while a view floods it"),
      scenario("hostile-documents", "V22 stays usable beside a view in an endless loop"),
      scenario("hostile-documents", "V13 lets no message and no request reach a prototype"),
    ],
  },
  {
    id: "sandbox-5",
    rule: "A view does nothing in the user's name that the user did not do: no foreign tool, no address, no payment, no approval by words or forged messages.",
    shownBy: [
      scenario("borrowed-power", "V15 runs only the view's own tools"),
      scenario("borrowed-power", "V12 opens no address but an honest one"),
      scenario("borrowed-power", "V17 charges nothing and opens nothing"),
      scenario("borrowed-power", "V18 leads a click that was meant for something else"),
      scenario("borrowed-power", "V09 V10 the window of a sign-in"),
      scenario("borrowed-power", "V11 takes no message for the end of a sign-in"),
      scenario("borrowed-power", "V21 shows a view's words as the app's"),
    ],
  },
  {
    id: "console-1",
    rule: "The console's own pages run their own scripts only, load nothing that others name, and show foreign text as text.",
    shownBy: [
      scenario("console-pages", "M22 loads nothing that a tool's answer"),
      scenario("console-pages", "serves %s under a policy"),
      scenario("console-pages", "M11 shows what an authorization server says"),
    ],
  },
  {
    id: "sign-in-1",
    rule: "A widget's call of a protected tool opens the sign-in in the click, and the same promise resolves after it, over both bridges.",
    spec: "MCP 2026-07-28 authorization; MCP Apps 2026-01-26 tools/call",
    shownBy: [
      scenario("sign-in", "M26 opens the sign-in in the click and resolves the same promise"),
      scenario("sign-in", "shows the orders of the store in its own view"),
      { file: "packages/host/test/call.test.ts", title: "M26 a widget's call of an oauth2 tool with an empty vault" },
    ],
  },
  {
    id: "device-1",
    rule: "A sign-in can be finished on another device, by the user's own choice: by QR code or by address and code. The waiting call resumes as after a window.",
    spec: "RFC 8628",
    shownBy: [
      scenario("device", "resolves the widget's own promise once the code was entered and approved elsewhere"),
      scenario("device", "holds the complete address in a QR code that is dark on light in both themes and fits a phone"),
      scenario("device", "ends with a typed error when the user declines on the other device"),
      scenario("device", "goes on after a restart of every party, with the same code"),
      { file: "packages/host/test/authorize/device.test.ts", title: "D09 never begins by itself" },
    ],
  },
  {
    id: "device-2",
    rule: "At the wallet, another device is confirmed with a fresh passkey by who sees which app asks for what, from where and since when; a payment there needs the number on the first screen.",
    spec: "RFC 8628",
    shownBy: [
      scenario("wallet-device", "signs in with the code typed on the phone, after a passkey there, and the view goes on"),
      scenario("wallet-device", "D07 pays on the phone after the number on the first screen was named there, and the view shows the receipt"),
      scenario("wallet-device", "D07 pays nothing after a wrong number, and the view is told"),
    ],
  },
  {
    id: "device-3",
    rule: "An approval link can be handed to a phone by a QR code and a number; the phone alone decides then, and the first screen is told within a second.",
    shownBy: [scenario("wallet-phone", "D07 pays on the phone after the number of the first screen, which is told within a second")],
  },
  {
    id: "sign-in-2",
    rule: "Cancel, denial, a closed window, no click, a late challenge and a wallet that is down each end in a typed error or an offer to go on.",
    shownBy: [
      scenario("sign-in", "ends with a typed error when the user cancels"),
      scenario("sign-in", "ends with a typed error when the user declines"),
      scenario("sign-in", "keeps the call waiting when the window is closed"),
      scenario("sign-in", "V17 opens no window without a click"),
      scenario("sign-in", "offers to continue when the challenge comes six seconds after"),
      scenario("sign-in", "ends with a typed error that can be retried"),
    ],
  },
  {
    id: "questions-1",
    rule: "What a server asks the user, in any era, is answered in the console: nothing opens without a click, and the same call goes on.",
    shownBy: ["M18 a widget", "a form in a card", "M18 shows a look", "M17 a form", "survives a reload", "an older server"].map((title) =>
      scenario("questions", title),
    ),
  },
  {
    id: "sign-in-3",
    rule: "Calls from the chat and from a model take the same door; a token is used until the user signs out.",
    shownBy: [
      scenario("sign-in", "takes the same path when the tool is called from the chat"),
      scenario("sign-in", "uses the token for the next call and asks again after signing out"),
      scenario("chat", "shows the view of a tool that the model called"),
      scenario("chat", "takes a model's protected call through the same broker"),
    ],
  },
  {
    id: "pay-1",
    rule: "The wallet names payee, items and total; the passkey signs them; the bank captures once; view and chat show the receipt.",
    shownBy: [
      scenario("pay", "names payee, items and total at the wallet"),
      scenario("pay", "lists the order afterwards"),
      scenario("pay", "pays from the chat by the same path"),
    ],
  },
  {
    id: "bank-1",
    rule: "The owner of an account reads at the bank what was paid, to whom, by whose yes and through which app; nobody else reads it.",
    shownBy: [
      scenario("bank-page", "shows the one who paid what was paid, to whom, who said yes and through which app"),
      scenario("bank-page", "shows nothing of others"),
    ],
  },
  {
    id: "pay-2",
    rule: "Declining charges nothing; pressing twice and losing replies captures once.",
    shownBy: [
      scenario("pay", "charges nothing when the user declines"),
      scenario("pay", "captures once when Pay is pressed twice"),
      scenario("pay", "P15 captures once when the reply is lost"),
    ],
  },
  {
    id: "secret-1",
    rule: "No token, code or mandate reaches a view, the chat, the trace or a model.",
    shownBy: [
      scenario("pay", "V24 shows no token, mandate or code"),
      scenario("console-pages", "V24 puts no token into any message of any frame"),
      scenario("chat", "V24 never shows the model a token"),
      { file: "packages/host/test/vault.test.ts", title: "X01" },
    ],
  },
  {
    id: "peers-1",
    rule: "The official client completes 401, OAuth and the retried call in both eras; the official suite passes where it needs no fixture.",
    spec: "MCP 2026-07-28 and 2025-11-25",
    shownBy: [
      scenario("official-client", "completes 401, OAuth and the retried call"),
      scenario("conformance", "passes against the store and a fixture behind protect"),
      scenario("conformance", "passes against the wallet"),
      scenario("conformance", "passes against the host as a client"),
    ],
  },
  {
    id: "looks-1",
    rule: "Every page and state can be seen and used: light and dark, desktop and phone, by keyboard, by screen reader.",
    spec: "WCAG 2.2 A and AA",
    shownBy: [
      scenario("looks", "names what it is there to find"),
      scenario("looks", "meets WCAG A and AA"),
      scenario("looks", "reaches every control by Tab"),
      scenario("looks", "finds, fills and sends a tool without a pointer"),
      scenario("looks", "closes %s by Escape"),
      scenario("looks", "closes the view that fills the screen by Escape"),
      scenario("looks", "leaves no script error behind"),
      scenario("wallet-looks", "on every page without sign-in"),
      scenario("wallet-looks", "on every page of an account"),
      scenario("wallet-looks", "leaves no script error behind"),
      scenario("looks-states", "connectors and their form"),
      scenario("looks-states", "a sign-in for a connector"),
      scenario("looks-states", "what a server asks"),
      scenario("looks-states", "views outside the conversation"),
      scenario("looks-states", "a tool that changed"),
      scenario("looks-states", "the pages of windows"),
      scenario("looks-states", "a part of the page that cannot be loaded"),
    ],
  },
  {
    id: "embed-1",
    rule: "Another chat product embeds the host by its HTTP API alone: tools, calls, views in its own page, sign-in in a window, sign-out.",
    shownBy: [
      scenario("embed", "calls a tool for its user and shows the app's view in a frame of its own page"),
      scenario("embed", "signs its user in by a window that names the account"),
      scenario("embed", "signs one user out and leaves the other signed in"),
      scenario("embed", "is told by no page of its own what the key is"),
      { file: "packages/host/test/routes/openapi.test.ts", title: "is OpenAPI 3.1 and has every operation once" },
    ],
  },
  {
    id: "embed-2",
    rule: "Users of the host are apart: no row, event, token or id crosses, and a sign-in link shows whose account it serves.",
    spec: "RFC 9700 section 4.7",
    shownBy: [
      scenario("embed", "O09 shows whoever opens another user's link whose account it is"),
      scenario("embed", "V20 keeps its users apart"),
      { file: "packages/host/test/authorize/start-links.test.ts", title: "O09 ends only in the browser that opened it" },
    ],
  },
  {
    id: "tabs-1",
    rule: "Any number of tabs of one browser work on HTTP/1.1: they share one event stream, and lose no result.",
    shownBy: [
      scenario("tabs", "opens in every tab, and a call in each gets its result"),
      scenario("tabs", "hears of a change in every tab at once"),
      scenario("tabs", "finds the way back in every tab after the host was away"),
      { file: "packages/host/web/test/event-hub.test.ts", title: "opens one stream for any number of pages" },
    ],
  },
  {
    id: "input-1",
    rule: "A token that is present but bad is refused on anonymous tools too.",
    spec: "RFC 6750 section 3.1",
    shownBy: [{ file: "packages/kit/test/app.test.ts", title: "O25 a bad token is 401 on every tool" }],
  },
  {
    id: "input-2",
    rule: "Malformed and oversized JSON-RPC is refused before anything is done with it.",
    shownBy: [
      { file: "packages/kit/test/http/rpc-body.test.ts", title: "M07 %s is refused" },
      { file: "packages/kit/test/http/rpc-body.test.ts", title: "X06 depth, element count and size are bounded" },
    ],
  },
  {
    id: "input-3",
    rule: "Foreign state, foreign code, wrong issuer, another resource's metadata and unsafe authorization addresses end without a token.",
    spec: "RFC 9700, RFC 9207, RFC 8414 section 3.3, RFC 9728 section 3.3",
    shownBy: [
      { file: "packages/host/test/authorize/sign-in.test.ts", title: "O07 a foreign code under a good state" },
      { file: "packages/host/test/authorize/sign-in.test.ts", title: "O08 a missing, unknown, doubled, reused or expired state" },
      { file: "packages/host/test/authorize/sign-in.test.ts", title: "O12 metadata that names another issuer" },
      { file: "packages/host/test/authorize/sign-in.test.ts", title: "O13 protected resource metadata that names another resource" },
      { file: "packages/protocol/test/resource.test.ts", title: "M10: accepts only http(s) URLs" },
    ],
  },
  {
    id: "input-4",
    rule: "A code is redeemed once, also by fifty at the same time; a replay ends the family.",
    spec: "RFC 9700 section 2.1.1",
    shownBy: [
      { file: "packages/wallet/test/authorize/code-flow.test.ts", title: "O04 a code that comes back" },
      { file: "packages/wallet/test/authorize/code-flow.test.ts", title: "O05 of 50 parallel redemptions" },
    ],
  },
  {
    id: "widget-1",
    rule: "A view for `window.openai` has every member of its reference that this host announces, and each does what it says.",
    spec: "OpenAI Apps SDK reference, window.openai",
    shownBy: [
      scenario("widget", "has the call's arguments, its result and the hidden part of it"),
      scenario("widget", "calls tools of its own server whose visibility includes apps"),
      scenario("widget", "has its follow-up messages shown as the app's words"),
      scenario("widget", "V12 opens other places after a question"),
      scenario("widget", "opens a window of its app in the click"),
      scenario("widget", "V07 V08 is shown in full and beside the conversation"),
      scenario("widget", "V08 shows another template of its app"),
      scenario("widget", "is closed when it asks to be"),
    ],
  },
  {
    id: "widget-2",
    rule: "A view's state is the host's: it survives a reload, another tab and a restart.",
    shownBy: [
      scenario("widget", "keeps its state over a reload of the page"),
      scenario("widget", "has its state in another tab, and after a restart"),
    ],
  },
  {
    id: "widget-3",
    rule: "Files go between user, view and the app's server by links that are bounded, typed and expire.",
    shownBy: [
      scenario("widget", "stores files for its app"),
      scenario("widget", "lets the user choose files"),
      scenario("widget", "saves a file on the user's device"),
    ],
  },
  {
    id: "widget-4",
    rule: "A view made with the official App class gets every message of MCP Apps that this host announces, and the rest is not announced.",
    spec: "MCP Apps 2026-01-26",
    shownBy: [
      scenario("widget", "announces exactly what works"),
      scenario("widget", "hears input and result once"),
      scenario("widget", "calls and lists the tools of its server"),
      scenario("widget", "reads and lists the resources"),
      scenario("widget", "asks the model once the user agreed"),
      scenario("widget", "V21 has its messages and its context told to the model"),
      scenario("widget", "answers links, log lines, pings"),
      scenario("widget", "has tools of its own that the model calls"),
      scenario("widget", "V07 takes no room without the user's click"),
      scenario("widget", "is told before it goes"),
      scenario("widget", "is shown while its tool still works"),
    ],
  },
  {
    id: "widget-5",
    rule: "Servers are told the hints that real hosts send, as ids that mean nothing elsewhere.",
    shownBy: [scenario("widget", "tells servers the hints")],
  },
  {
    id: "widget-6",
    rule: "On a phone a view has the whole screen or its place in the conversation, under the host's bar.",
    shownBy: [scenario("widget", "shows picture-in-picture in full"), scenario("widget", "leaves no script error behind")],
  },
];
