import { type Requirement, scenario } from "./requirement.ts";

/** What a developer meets first, each with the tests that show it. */
export const developerRequirements: readonly Requirement[] = [
  {
    id: "states-1",
    rule: "Every state of every page is designed: loading, empty, offline, failed, expired, stopped, too late, too little. Each can be read and used by everybody, light and dark, on a desktop and a phone, and fits 320 pixels.",
    shownBy: [
      scenario("states", "the console while it loads, without its host, and with nothing connected"),
      scenario("states", "the console that has lost its host says so, and finds it again by itself"),
      scenario("states", "the tools and the form of one"),
      scenario("states", "another host that is acted out, where that is set, and the tools that only views call"),
      scenario("model", "can be read and stopped by everybody, before its first word and in the middle of one"),
      scenario("states", "calls that end badly: nobody signed in in time, the user stopped it, the server is away"),
      scenario("states", "the bank before and after the first payment, and the wallet where there is too little money"),
      scenario("states", "in a host that signs nobody in: $name"),
    ],
  },
  {
    id: "states-2",
    rule: "The documents show each state as the tests saw it, on one page.",
    shownBy: [
      { file: "e2e/pictures.test.ts", title: "are all there, and no others, within their weight" },
      { file: "e2e/pictures.test.ts", title: "stand on one page, which the tool writes" },
    ],
  },
  {
    id: "states-3",
    rule: "A view that is on its way has its place: what is said below it stays where it is until the view itself says how high it is.",
    shownBy: [scenario("chat", "keeps the place of a view that is on its way: what is said below it stays where it is")],
  },
  {
    id: "start-1",
    rule: "One command starts every party and says where to go; Ctrl-C stops all of it; data survives.",
    shownBy: [scenario("start", "starts every party, says where to go, stops on Ctrl-C and keeps the data")],
  },
  {
    id: "start-2",
    rule: "A busy port, an unusable data folder, a wrong setting and a too old Node are one clear sentence each.",
    shownBy: [
      scenario("start", "says in one sentence that a port is busy"),
      scenario("start", "says in one sentence that the data folder cannot be used"),
      scenario("start", "says in one sentence which setting is wrong"),
      scenario("start", "says in one sentence that this Node is too old"),
      scenario("start", "answers an unknown command with the way to help"),
    ],
  },
  {
    id: "cli-1",
    rule: "A tool is called from a terminal: sign-in, step-up and payment in the browser or on another device, and the call goes on by itself, once.",
    shownBy: [
      scenario("cli", "signs in at the wallet from a terminal with the commands of the guide"),
      scenario("cli", "pays once from a terminal"),
      scenario("cli", "signs in on another device by the address and the code"),
      { file: "apps/cli/test/call/answer-questions.test.ts", title: "a form is asked field by field" },
      { file: "apps/cli/test/main.test.ts", title: "Ctrl-C while the sign-in is open ends it with 130" },
    ],
  },
  {
    id: "cli-2",
    rule: "Each command has help, exit codes and JSON that scripts can rely on; settings are printed without their secrets, faults without a stack.",
    shownBy: [
      { file: "apps/cli/test/command.test.ts", title: "every command has help that names each of its options" },
      { file: "apps/cli/test/settings/print-settings.test.ts", title: "the value of no setting that can hold a secret is printed" },
      { file: "apps/cli/test/main.test.ts", title: "a fault of the program ends with 70" },
      { file: "apps/cli/test/guide.test.ts", title: "the guide has each exit code with its ending" },
    ],
  },
  {
    id: "profiles-1",
    rule: "The console acts as other hosts do, as far as it is known of them: what works there, falls back or is dead comes out so here, in the view, at the user's own call and at paying.",
    shownBy: [
      scenario("profiles", "the shop's orders are reached from its view, and by the user's own call, as the tables say"),
      scenario("profiles", "the shop is paid from its view as the tables say"),
      scenario("profiles", "V03 makes the open view anew: its frame, its code and its window.openai are those of the host's row"),
      scenario("profiles", "M26 has under chatgpt a dead button where the view knows no other way"),
      scenario("profiles", "M26 shows under chatgpt the orders in the shop's view after its own link"),
    ],
  },
  {
    id: "docs-1",
    rule: "What the documents say to type does what they say: each command is run by a test, each piece of code compiled, each link followed.",
    shownBy: [
      scenario("guides", "let an agent in over ACP"),
      scenario("guides", "sell over UCP, by hand and by a client"),
      scenario("guides", "start everything, show how the shop fares in each host"),
      scenario("guides", "let a product in that embeds the host"),
      scenario("guides", "start each example, whose tools then answer"),
      scenario("guides", "make keys of 32 bytes"),
      scenario("guides", "run the bank by itself"),
      scenario("guides", "pack the libraries"),
      scenario("guides", "X02 change the sealing keys"),
      { file: "tools/test/documents.test.ts", title: "have commands that a test runs" },
      { file: "tools/test/documents.test.ts", title: "link to files and headings that are there" },
    ],
  },
  {
    id: "doctor-1",
    rule: "The doctor says of any server how it fares in each host, why, from where that is known, and what to change; on a page as in the terminal.",
    shownBy: [
      scenario("doctor", "prints what the guide shows"),
      scenario("doctor", "is reached from the console"),
      scenario("doctor", "shows the same matrix as the command"),
      scenario("doctor", "can be used by everybody"),
      scenario("doctor", "says what is wrong with an address"),
      { file: "packages/host/test/doctor/broken-servers.test.ts", title: "is found, and not found in its healthy twin" },
      { file: "apps/cli/test/doctor/doctor.test.ts", title: "ends with 1 where something is dead" },
    ],
  },
  {
    id: "doctor-2",
    rule: "The doctor changes nothing at the server, reaches no private network for a stranger, and is not held up or filled by a hostile server.",
    shownBy: [
      { file: "packages/host/test/doctor/examine.test.ts", title: "calls no tool that might do something" },
      { file: "packages/host/test/doctor/hostile-servers.test.ts", title: "comes to an end" },
      { file: "packages/host/test/routes/doctor.test.ts", title: "reaches nothing on this machine for a host that is not on it" },
    ],
  },
  {
    id: "model-1",
    rule: "The model's answer appears while it is written, without moving what is there, whole at any length, and is kept over a reload; other conversations only know of it.",
    shownBy: [
      scenario("model", "appears word by word below the question"),
      scenario("model", "is shown whole when it is longer than a page"),
      scenario("model", "is brought back by a reload in the middle"),
      scenario("model", "that was missed while the page was away"),
      scenario("model", "leaves no script error behind"),
      { file: "packages/host/test/chat/streaming.test.ts", title: "reads the turn as it is, while it is given and after" },
      { file: "packages/host/web/test/talk.test.ts", title: "is read again where a piece is missing" },
    ],
  },
  {
    id: "model-2",
    rule: "A call is shown while the model writes it, to its app's view too; nothing runs before it is whole, calls run side by side, and what is not made says so.",
    spec: "MCP Apps 2026-01-26 ui/notifications/tool-input-partial",
    shownBy: [
      scenario("model", "has its card and its view at once"),
      scenario("model", "runs beside others"),
      scenario("model", "is not made when the answer breaks off"),
      { file: "packages/host/test/chat/streaming.test.ts", title: "nothing runs before the answer is whole" },
      { file: "packages/host/test/chat/streaming.test.ts", title: "X04 is none of ten thousand" },
      { file: "packages/host/web/test/connect.test.ts", title: "tells a view its input as it grows" },
    ],
  },
  {
    id: "model-3",
    rule: "The user ends an answer by a button or Escape; each way in which an endpoint fails says what to do, and the same words can be said again.",
    shownBy: [
      scenario("model", "ends the answer, by Escape too"),
      scenario("model", "says what to do about %s"),
      scenario("model", "is asked again by a click"),
      scenario("model", "was answering when the host was started anew"),
      { file: "packages/host/test/chat/ask-model.test.ts", title: "tells what a %s with the code %s means" },
    ],
  },
  {
    id: "trace-1",
    rule: "A trace shows each message with everything masked that is not on a list, keeps what views say, and is exported as a document and a diagram.",
    shownBy: [
      scenario("trace", "has every message one click away"),
      scenario("trace", "is exported as a document with its schema, by keyboard alone"),
      scenario("trace", "is exported as a diagram that the real Mermaid draws"),
      scenario("trace", "keeps what a view said of its calls over a reload"),
      scenario("trace", "can be read and exported on a phone"),
      { file: "packages/host/test/trace.test.ts", title: "are told with the step that they led to" },
      { file: "packages/host/test/trace-schema.test.ts", title: "takes what is exported" },
      { file: "tools/test/diagrams.test.ts", title: "is a diagram with the steps and nothing else" },
    ],
  },
  {
    id: "connectors-away",
    rule: "A server that did not answer is asked again by itself while a page of its user is open, less and less often, and never by many at once.",
    shownBy: [
      { file: "packages/host/test/connectors/reconnect.test.ts", title: "is connected again without anybody asking" },
      { file: "packages/host/test/connectors/reconnect.test.ts", title: "asks 16 servers at a time" },
    ],
  },
];
