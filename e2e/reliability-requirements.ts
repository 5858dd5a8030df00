import { type Requirement, scenario } from "./requirement.ts";

/** What is promised about crashes, several instances, and secrets at rest and under way. */
export const reliabilityRequirements: readonly Requirement[] = [
  {
    id: "crash-1",
    rule: "Each party runs as its own process from its environment; a crash at any step loses no acknowledged thing and charges once.",
    shownBy: [
      scenario("processes", "needs its environment alone"),
      scenario("processes", "I2 I3 after a %s that dies %s the order completes by itself"),
      scenario("processes", "I2 I3 a store that is down while the user approves"),
      scenario("processes", "I4 a host that dies during a sign-in keeps the call"),
      scenario("processes", "I3 a wallet that dies before the approval"),
      scenario("processes", "drains and exits with 0 on SIGTERM"),
    ],
  },
  {
    id: "crash-2",
    rule: "A host that dies at any step of a sign-in keeps the call: after the restart the page goes on, nothing runs twice.",
    shownBy: [
      scenario("host-crash", "I2 I4 keeps the widget's call, which ends in its result after the restart"),
      scenario("host-crash", "I4 keeps the call when the flow is stored"),
      scenario("host-crash", "I2 keeps the session, the token and what was delivered"),
      scenario("host-crash", "I2 I3 charges once when it dies as the store demands"),
      { file: "packages/host/test/durable/every-write.test.ts", title: "loses nothing, does nothing twice and leaves nothing open" },
      { file: "packages/host/test/durable/races.test.ts", title: "keeps every invariant, with a process that dies at any write" },
    ],
  },
  {
    id: "secret-2",
    rule: "Marked secrets that go through every step and every kind of failure are found in no log, database, event, document, frame, message, address or answer.",
    shownBy: [
      scenario("canary", "runs through sign-in, refusals, failures of every kind"),
      scenario("canary", "looks where there is something to find"),
      scenario("canary", "finds no token, code, state, verifier or key"),
      scenario("canary", "finds what the user entered only where the user sees it"),
    ],
  },
  {
    id: "instances-1",
    rule: "Several hosts on one PostgreSQL work as one, whichever sees which request, and one goes on when another dies.",
    shownBy: [
      scenario("two-hosts", "sign in, pay and show the receipt, whichever of them sees which request"),
      scenario("two-hosts", "go on as one when the other is killed"),
      { file: "packages/host/test/durable/instances.test.ts", title: "one refresh for twenty calls at both" },
      { file: "packages/host/test/durable/instances.test.ts", title: "a call started at A, its sign-in opened at B" },
    ],
  },
  {
    id: "keys-1",
    rule: "The sealing key is changed while hosts run, and every kind of record has an end.",
    shownBy: [
      { file: "packages/host/test/keep/reseal.test.ts", title: "X02 seals everything anew while a host runs" },
      { file: "packages/host/test/keep/retention.test.ts", title: "gives every record an end" },
    ],
  },
];
