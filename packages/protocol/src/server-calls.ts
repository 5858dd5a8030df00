import { accountLinkTools } from "./account-link.ts";
import type { Fact } from "./host-profile.ts";
import { hostClients } from "./host-profile-client.ts";
import { type HostSignIn, hostSignIns, type SignInForm } from "./host-profile-sign-in.ts";
import { hostViews } from "./host-profile-view.ts";
import type { HostProfile } from "./ladder.ts";
import { elicitationModes, lackOfResult, visibilityUnder } from "./profile-call.ts";
import { judgeReach, type Reach, type ReachFacts } from "./profile-reach.ts";
import type { ProtectedCallObservation, ServerObservation, ToolObservation } from "./server-observation.ts";
import { undeclaredDemand } from "./server-rules.ts";
import type { Matter, Verdict } from "./server-verdict.ts";

/** The matters that ask whether calls come through, which is a question of challenges. */
export type CallMatter = Extract<Matter, "model_call" | "view_call" | "step_up">;

type Caller = ReachFacts["by"];

/**
 * Judges whether calls of protected tools come through at the host of the profile.
 *
 * @param signIn how signing in stands there: a challenge that is understood helps nobody who cannot sign in
 */
export function judgeCalls(seen: ServerObservation, profile: HostProfile, matter: CallMatter, signIn: Verdict): Verdict {
  if (matter === "step_up") return judgeStepUp(seen, profile, signIn);
  return judgeCaller(seen, profile, matter === "model_call" ? "model" : "view", signIn);
}

function judgeCaller(seen: ServerObservation, profile: HostProfile, by: Caller, signIn: Verdict): Verdict {
  const listed = toolsListed(seen);
  if (listed === undefined) return judgeUnlisted(seen, profile, by, signIn);
  if (by === "view" && listed.every(({ view }) => view === undefined)) return moot("no_views", "No tool names a view.");
  const called = listed.filter((tool) => isSeen(profile, by, tool));
  const demanding = called.filter(isProtected);
  if (demanding.length === 0) return undeclaredDemand(seen) === undefined ? judgeOpen(profile, by) : undeclared;
  const optional = demanding.every(({ scheme }) => scheme === "either");
  if (signIn.standing === "dead" || signIn.standing === "unknown") return optional ? softened(signIn) : signIn;
  const call = seen.protectedCallOf[profile] ?? seen.protectedCall;
  const told = demandOf(call, optional);
  if ("standing" in told) return told;
  if (told.asks) return judgeQuestion(seen, profile);
  const facts: ReachFacts = { mode: "mixed", by, forms: told.forms, declares: true, describes: told.describes, offersLinks: offersLinks(listed) };
  const reach = judgeReach(profile, facts);
  const basis = { certainty: reach.certainty, source: reach.source };
  if (reach.way === "model" && !demanding.some((tool) => isSeen(profile, "model", tool))) return { ...onlyViews, basis };
  if (told.unseen !== undefined && reach.reach === "dead") return { ...told.unseen, basis };
  return verdictOf(reach, profile, facts);
}

/** Everything is behind the sign-in of the connection, or nothing could be seen. */
function judgeUnlisted(seen: ServerObservation, profile: HostProfile, by: Caller, signIn: Verdict): Verdict {
  if (seen.tools.seen !== "challenged") return unknown("list_unseen", "The tools could not be listed.");
  if (signIn.standing === "dead" || signIn.standing === "unknown") return signIn;
  if (by === "view") return unknown("list_behind_sign_in", "The tools are shown only after sign-in.");
  const facts: ReachFacts = { mode: "full", by, forms: ["http_401"], declares: false, describes: false, offersLinks: false };
  return verdictOf(judgeReach(profile, facts), profile, facts);
}

/** No tool that this caller sees demands sign-in: only whether views may call at all is left. */
function judgeOpen(profile: HostProfile, by: Caller): Verdict {
  if (by === "model") return works("nothing_protected", "No tool that the model sees demands sign-in.");
  if (servesViews(profile)) return works("nothing_protected", "No tool that views see demands sign-in.");
  return { standing: "falls_back", ...noViewCalls, basis: basisOf(hostViews[profile].capabilities) };
}

const noViewCalls: Required<Pick<Verdict, "finding" | "reason" | "fix">> = {
  finding: "no_view_calls",
  reason: "This host serves no tool calls to views.",
  fix: "Give the view all that it shows in the result of the tool that brings it.",
};

function servesViews(profile: HostProfile): boolean {
  const { capabilities, openai } = hostViews[profile];
  return capabilities.value.includes("serverTools") || openai.value.includes("callTool");
}

/** Whether the caller sees the tool at the host of the profile. */
function isSeen(profile: HostProfile, by: Caller, { visibility }: ToolObservation): boolean {
  return visibilityUnder(profile, new Set(visibility)).has(by === "model" ? "model" : "app");
}

const onlyViews: Verdict = {
  standing: "dead",
  finding: "view_sign_in",
  reason: "A view's call starts no sign-in, and the chat cannot be asked to make it: its tools are for views only.",
  fix: `Offer account links (${accountLinkTools.link}), so that the view signs in by itself.`,
};

/** What the server says to an anonymous call. `unseen`: the verdict where what is declared leads nowhere, because the challenge was not seen. */
interface Demand {
  readonly forms: readonly SignInForm[];
  readonly describes: boolean;
  readonly asks: boolean;
  readonly unseen?: Verdict;
}

const unseenReasons: Readonly<Record<Extract<ProtectedCallObservation, { seen: "not_called" }>["reason"], string>> = {
  none_declared: "no tool declares that it needs sign-in",
  none_read_only: "no protected tool says that it only reads (readOnlyHint), so none was called",
  needs_arguments: "each protected tool that only reads needs arguments, so none was called",
  not_wanted: "no tool was called, as you wished",
};

/** A tool that runs with and without sign-in needs no demand to be reached. */
function demandOf(call: ProtectedCallObservation, optional: boolean): Demand | Verdict {
  if (optional) return works("optional_sign_in", "The tools that know users run without sign-in too.");
  const declared: Demand = { forms: ["declared"], describes: false, asks: false };
  switch (call.seen) {
    case "http":
      if (call.challenge.header === "unreadable") return { ...declared, unseen: unreadableChallenge };
      return { ...declared, forms: ["declared", call.challenge.status === 403 ? "http_403" : "http_401"] };
    case "result":
      return { ...declared, forms: ["declared", "result"], describes: call.described && call.error !== undefined };
    case "structured":
      return { ...declared, forms: ["declared", "structured"] };
    case "url":
    case "input":
      return { ...declared, asks: true };
    case "ran":
      return { ...declared, unseen: toolRan };
    case "refused":
      return { ...declared, unseen: noChallenge };
    case "unreadable_challenge":
      return { ...declared, unseen: unreadableChallenge };
    case "not_called":
      return { ...declared, unseen: unknown("challenge_unseen", `How calls are challenged was not seen: ${unseenReasons[call.reason]}.`) };
    case "nothing":
      return { ...declared, unseen: unknown("challenge_unseen", "How calls are challenged was not seen: the call got no answer.") };
  }
}

const undeclared: Verdict = {
  standing: "unknown",
  finding: "demand_undeclared",
  reason: "No tool says who may call it, and the server knows tokens: whether calls demand one was not seen.",
  fix: "Declare `securitySchemes` on each tool, `noauth` where nobody has to sign in.",
};

const toolRan: Verdict = {
  standing: "dead",
  finding: "protected_tool_ran",
  reason: "A tool that declares that it needs sign-in ran without, so no host asks who the user is.",
  fix: "Demand a token in the server: to declare `securitySchemes` keeps nobody out.",
};

const noChallenge: Verdict = {
  standing: "dead",
  finding: "no_challenge",
  reason: "A protected tool answers with an error that does not say that sign-in is missing.",
  fix: 'Answer 401 with WWW-Authenticate, or for ChatGPT a result with `_meta["mcp/www_authenticate"]`.',
};

const unreadableChallenge: Verdict = {
  standing: "dead",
  finding: "challenge_unreadable",
  reason: "The demand for sign-in cannot be read.",
  fix: 'Write the challenge as RFC 9110 section 11.6.1 has it: Bearer resource_metadata="...", scope="...".',
};

function judgeQuestion({ eras }: ServerObservation, profile: HostProfile): Verdict {
  const { capabilities } = hostClients[profile];
  const basis = basisOf(capabilities);
  if (elicitationModes(profile).includes("url")) return { ...works("elicitation", "The host shows the address to the user."), basis };
  // Before 2026-07-28 a call does not say what its host can do: what was seen is how the doctor's own session is asked.
  if (eras["2026-07-28"].seen !== "spoken") {
    return unknown("elicitation_unseen", "The server asks clients that offer it to visit an address; how it asks one that does not was not seen.");
  }
  return {
    standing: "dead",
    finding: "no_elicitation",
    reason: "The server asks the user to visit an address, and this host offers no elicitation of that kind.",
    fix: "Ask only clients that announce `elicitation.url`, and challenge the others.",
    basis,
  };
}

function judgeStepUp(seen: ServerObservation, profile: HostProfile, signIn: Verdict): Verdict {
  const listed = toolsListed(seen);
  if (listed === undefined)
    return seen.tools.seen === "challenged"
      ? unknown("list_behind_sign_in", "The tools are shown only after sign-in.")
      : unknown("list_unseen", "The tools could not be listed.");
  const wanted = new Set(listed.flatMap(({ scopes }) => scopes));
  if (undeclaredDemand(seen) !== undefined) return undeclared;
  if (listed.every((tool) => !isProtected(tool))) return moot("nothing_protected", "Nothing demands sign-in.");
  if (signIn.standing === "dead" || signIn.standing === "unknown") return signIn;
  const call = seen.protectedCallOf[profile] ?? seen.protectedCall;
  const first = firstScopes(seen, call);
  if (wanted.size === 0 || [...wanted].every((scope) => first.includes(scope)))
    return moot("one_scope", "The first sign-in asks for all that any tool needs.");
  const form = call.seen === "http" ? "http_403" : call.seen === "result" ? "result" : undefined;
  const { opensOn } = hostSignIns[profile];
  const describes = call.seen === "result" && call.described && call.error !== undefined;
  const lacks = form === "result" && lackOfResult(hostSignIns[profile], { declares: true, describes }) !== undefined;
  const opens = opensOn.model.value;
  if (opens.includes("declared") || (form !== undefined && opens.includes(form) && !lacks)) {
    return { ...works("step_up", "A demand for more scopes leads to a sign-in."), basis: basisOf(opensOn.model) };
  }
  if (opens.length === 0) {
    const { reason, finding, fix } = signsInAtConnect;
    return { standing: "dead", finding, reason, fix, basis: basisOf(opensOn.model) };
  }
  if (lacks) {
    const fix = "Give the challenge an error and an error_description.";
    return { standing: "dead", finding: "result_lacks", reason: "The challenge in the result is not taken.", fix, basis: basisOf(opensOn.model) };
  }
  if (form === undefined) return unknown("challenge_unseen", "How more scopes are demanded was not seen.");
  return {
    standing: "dead",
    finding: "step_up_ignored",
    reason: "Tools need scopes that the first sign-in does not ask for, and this host passes the demand for more over.",
    fix: "Name the scopes of all tools in `scopes_supported` and in the first challenge.",
    basis: basisOf(opensOn.model),
  };
}

/** What a client asks for at first: the scope of the challenge, else all that the metadata names (MCP 2025-11-25, scope selection strategy). */
function firstScopes({ resourceMetadata }: ServerObservation, call: ProtectedCallObservation): readonly string[] {
  const challenged = call.seen === "http" ? call.challenge.scope : call.seen === "result" ? call.scope : [];
  if (challenged.length > 0) return challenged;
  const described = resourceMetadata.find((place) => place.seen === "document");
  return described?.seen === "document" ? (described.judged.scopes ?? []) : [];
}

/** Puts a reach into the words of a cell. What is dead says what this host waits for. */
function verdictOf(reach: Reach, profile: HostProfile, facts: ReachFacts): Verdict {
  const basis: Verdict["basis"] = { certainty: reach.certainty, source: reach.source };
  const reason = `${reach.reason.slice(0, 1).toUpperCase()}${reach.reason.slice(1)}.`;
  if (reach.reach === "works") return { ...works("reached", reason), basis };
  if (reach.way === "link")
    return { standing: "falls_back", finding: "by_link", reason: "A view's call starts no sign-in: the app links the account itself.", basis };
  const fix = `Offer account links (${accountLinkTools.link}), so that the view signs in by itself.`;
  if (reach.way === "model") {
    return { standing: "falls_back", finding: "by_model", reason: "A view's call starts no sign-in: the view asks the chat to make it.", fix, basis };
  }
  if (facts.by === "view" && !servesViews(profile)) return { standing: "dead", ...noViewCalls, basis };
  if (facts.by === "view")
    return { standing: "dead", finding: "view_sign_in", reason: `A view's call reaches no protected tool: ${reach.reason}.`, fix, basis };
  return { standing: "dead", ...wantedBy(hostSignIns[profile], facts, reach), basis };
}

/** The demand that the host waits for at the model's call. */
function wantedBy({ opensOn, needs }: HostSignIn, { forms }: ReachFacts, { reason }: Reach): Pick<Verdict, "finding" | "reason" | "fix"> {
  if (forms.includes("result") && opensOn.model.value.includes("result")) {
    const fix = needs.value.includes("security_schemes")
      ? "Declare `securitySchemes`, and give the challenge an error and an error_description."
      : "Give the challenge an error.";
    return { finding: "result_lacks", reason: `The challenge in the result is not taken: ${reason}.`, fix };
  }
  if (opensOn.model.value.includes("result")) {
    const fix = 'Answer this host with an error result whose `_meta["mcp/www_authenticate"]` has error and error_description.';
    return { finding: "wants_result", reason: "The server demands sign-in in another form than a result, and this host signs in only on that.", fix };
  }
  if (opensOn.model.value.includes("http_401")) {
    return {
      finding: "wants_http_401",
      reason: "The server demands sign-in in another form than HTTP 401, and this host signs in only on that.",
      fix: "Answer this host with 401 and WWW-Authenticate.",
    };
  }
  return signsInAtConnect;
}

const signsInAtConnect: Required<Pick<Verdict, "finding" | "reason" | "fix">> = {
  finding: "signs_in_at_connect",
  reason: "This host signs in only while it connects, and the server demands it at calls.",
  fix: "Give this host an address of the server that demands sign-in from the first request on.",
};

function toolsListed({ tools }: ServerObservation): readonly ToolObservation[] | undefined {
  return tools.seen === "listed" ? tools.tools : undefined;
}

function isProtected({ scheme }: ToolObservation): boolean {
  return scheme === "oauth2" || scheme === "either";
}

function offersLinks(tools: readonly ToolObservation[]): boolean {
  const { link, wait, call } = accountLinkTools;
  return [link, wait, call].every((wanted) => tools.some(({ name, visibility }) => name === wanted && visibility.includes("app")));
}

/** Without sign-in the tools still run. */
function softened(signIn: Verdict): Verdict {
  return signIn.standing === "dead" ? { ...signIn, standing: "falls_back" } : signIn;
}

function basisOf({ certainty, source }: Fact<unknown>): Verdict["basis"] & object {
  return { certainty, source };
}

function works(finding: string, reason: string): Verdict {
  return { standing: "works", finding, reason };
}

function moot(finding: string, reason: string): Verdict {
  return { standing: "moot", finding, reason };
}

function unknown(finding: string, reason: string): Verdict {
  return { standing: "unknown", finding, reason };
}
