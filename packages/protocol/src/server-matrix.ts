import { type Fact, profileNames } from "./host-profile.ts";
import { hostClients } from "./host-profile-client.ts";
import { hostSignIns } from "./host-profile-sign-in.ts";
import { hostViews } from "./host-profile-view.ts";
import type { HostProfile } from "./ladder.ts";
import { judgeCalls } from "./server-calls.ts";
import { notesOn } from "./server-notes.ts";
import type { ServerObservation } from "./server-observation.ts";
import { type HostFacts, judgeByRules, type LookedAt } from "./server-rules.ts";
import { type DoctorExit, exitCodeOf, type Finding, findingsOf, type HostColumn, type Matrix, type Matter, type Verdict } from "./server-verdict.ts";

/** Judges a server for each of the hosts. Pure: the same observation gives the same matrix. */
export function judgeServer(seen: ServerObservation, hosts: readonly HostProfile[] = profileNames): Matrix {
  return { url: seen.url, hosts: hosts.map((host) => columnOf(seen, host)), notes: notesOn(seen) };
}

/** A matrix with what follows from it. */
export interface ServerReport extends Matrix {
  readonly findings: readonly Finding[];
  readonly exit: DoctorExit;
}

/** Judges a server for each of the hosts, and draws the conclusions. */
export function reportOn(seen: ServerObservation, hosts: readonly HostProfile[] = profileNames): ServerReport {
  const matrix = judgeServer(seen, hosts);
  return { ...matrix, findings: findingsOf(matrix), exit: exitCodeOf(seen, matrix) };
}

function columnOf(seen: ServerObservation, host: HostProfile): HostColumn {
  const facts = hostFactsOf(host);
  const look = (matter: LookedAt): Verdict => {
    const { rests, ...verdict } = judgeByRules(seen, facts, matter);
    const behind = rests === undefined ? undefined : factBehind[rests](host);
    const told: Verdict = behind === undefined ? verdict : { ...verdict, basis: { certainty: behind.certainty, source: behind.source } };
    return cautious(told);
  };
  const connect = look("connect");
  if (connect.standing === "dead" || connect.standing === "unknown") return { host, verdicts: everywhere(connect) };
  const signIn = look("sign_in");
  return {
    host,
    verdicts: {
      connect,
      list: look("list"),
      sign_in: signIn,
      model_call: cautious(judgeCalls(seen, host, "model_call", signIn)),
      view_call: cautious(judgeCalls(seen, host, "view_call", signIn)),
      view: look("view"),
      step_up: cautious(judgeCalls(seen, host, "step_up", signIn)),
    },
  };
}

/** Who cannot connect gets no further, for the same reason. */
function everywhere(verdict: Verdict): Readonly<Record<Matter, Verdict>> {
  return { connect: verdict, list: verdict, sign_in: verdict, model_call: verdict, view_call: verdict, view: verdict, step_up: verdict };
}

/** Nothing is dead by a guess: where nothing is known of the host, the cell says so. */
function cautious(verdict: Verdict): Verdict {
  if (verdict.standing !== "dead" || verdict.basis?.certainty !== "assumed") return verdict;
  return { ...verdict, standing: "unknown", reason: `${verdict.reason} That is a guess: of this host it is not known.` };
}

function hostFactsOf(host: HostProfile): HostFacts {
  const { revisions, keepsSession, toolPages, redirects } = hostClients[host];
  const { opensOn, registration, cimdNeeds, issuers, redirectUris, needs } = hostSignIns[host];
  const { openai, csp, enforcesVisibility } = hostViews[host];
  return {
    revisions: revisions.value,
    keepsSession: keepsSession.value,
    toolPages: toolPages.value,
    followsRedirects: redirects.value === "follows",
    signsInAtConnect: opensOn.connect.value.includes("http_401"),
    registration: registration.value,
    cimdNeeds: cimdNeeds.value,
    issuers: issuers.value,
    redirectUris: redirectUris.value,
    needsExactResource: needs.value.includes("exact_resource"),
    triesFixedPaths: !needs.value.includes("resource_metadata"),
    hasOpenai: openai.value.length > 0,
    ignoredDomains: csp.value.ignores,
    enforcesVisibility: enforcesVisibility.value,
  };
}

/** Where each of the facts that the rules need comes from. */
const factBehind: Readonly<Record<keyof HostFacts, (host: HostProfile) => Fact<unknown>>> = {
  revisions: (host) => hostClients[host].revisions,
  keepsSession: (host) => hostClients[host].keepsSession,
  toolPages: (host) => hostClients[host].toolPages,
  followsRedirects: (host) => hostClients[host].redirects,
  signsInAtConnect: (host) => hostSignIns[host].opensOn.connect,
  registration: (host) => hostSignIns[host].registration,
  cimdNeeds: (host) => hostSignIns[host].cimdNeeds,
  issuers: (host) => hostSignIns[host].issuers,
  redirectUris: (host) => hostSignIns[host].redirectUris,
  needsExactResource: (host) => hostSignIns[host].needs,
  triesFixedPaths: (host) => hostSignIns[host].needs,
  hasOpenai: (host) => hostViews[host].openai,
  ignoredDomains: (host) => hostViews[host].csp,
  enforcesVisibility: (host) => hostViews[host].enforcesVisibility,
};
