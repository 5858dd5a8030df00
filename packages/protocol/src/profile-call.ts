import type { Challenge } from "./challenge.ts";
import type { Certainty, Fact } from "./host-profile.ts";
import { hostClients } from "./host-profile-client.ts";
import { type HostSignIn, hostSignIns, type SignInForm, signInFormNames, type SignInMoment } from "./host-profile-sign-in.ts";
import { hostViews } from "./host-profile-view.ts";
import type { HostProfile } from "./ladder.ts";
import { type CallDecision, type CallFacts, type CallOrigin, decideCall, judgeVisibility, kindOfSchemes, type TokenState } from "./security.ts";
import { isJsonObject, type JsonObject, member } from "./shape.ts";

/** Where it is written that a host does so, and how sure that is. */
export interface Basis {
  readonly certainty: Certainty;
  readonly source: string;
}

/** What a host does with a call; the basis says why it is not what the product does. `answer`: nothing is sent; the view gets this HTTP status and body, and no reason. */
export type ProfileDecision = (CallDecision & { readonly basis?: Basis }) | EmptyAnswer;

export interface EmptyAnswer {
  readonly basis: Basis;
  readonly action: "answer";
  readonly status: 400;
  readonly body: "{}";
  readonly reason: string;
}

/** Calls that users start themselves go as the model's do: other hosts know no third way. */
const moments: Readonly<Record<CallOrigin, Exclude<SignInMoment, "connect">>> = { model: "model", user: "model", widget: "view" };

/**
 * Decides what happens to a call before it leaves the host, as the host of the profile does it: the table of security.ts, and then whether this host signs in
 * because a tool declares that it needs it. One that does not sends the call with what it holds, and the server's demand is judged by {@link judgeChallenge}.
 */
export function decideUnder(profile: HostProfile, facts: CallFacts): ProfileDecision {
  const signIn = hostSignIns[profile];
  const decided = decideCall({ ...facts, visibility: visibilityUnder(profile, facts.visibility), token: tokenUnder(signIn, facts.token) });
  const told = judgeVisibility(facts.origin, facts.sameConnector, facts.visibility) === undefined ? decided : asShown(profile, decided);
  if (told.action !== "authorize" || opens(signIn, facts.origin, "declared")) return told;
  if (facts.mode === "full" && startsAnew(signIn, facts.token)) return told;
  if (isEmptied(signIn, facts)) return emptyAnswer(signIn);
  const basis = basisOf(signIn.opensOn[moments[facts.origin]]);
  return { action: "call", token: tokenToSend(signIn, facts.token), reason: "this host signs in only when the server's answer demands it", basis };
}

/** The caller sees the tool only because the host of the profile shows it what is for views only. */
function asShown(profile: HostProfile, decision: CallDecision): CallDecision & { readonly basis?: Basis } {
  return decision.action === "refuse" ? decision : { ...decision, basis: basisOf(hostViews[profile].enforcesVisibility) };
}

/** `honour`: the host does what is demanded, and makes the call again. `pass_on`: whoever called gets the server's answer as it is. */
export type ChallengeVerdict = { readonly action: "honour" | "pass_on"; readonly reason: string; readonly basis: Basis } | EmptyAnswer;

export interface ChallengeFacts extends Pick<CallFacts, "mode" | "origin" | "schemes" | "token"> {
  readonly challenge: Challenge;
}

/** Decides what the host of the profile makes of a server's demand. */
export function judgeChallenge(profile: HostProfile, facts: ChallengeFacts): ChallengeVerdict {
  const { challenge, origin } = facts;
  if (challenge.form === "url" || challenge.form === "input") return judgeQuestions(profile, challenge);
  const signIn = hostSignIns[profile];
  const form = formOf(challenge, facts.token);
  const missing = missingNeed(signIn, facts);
  const basis = basisOf(signIn.opensOn[moments[origin]]);
  if (!opens(signIn, origin, form)) {
    return isEmptied(signIn, facts)
      ? emptyAnswer(signIn)
      : { action: "pass_on", reason: `${signInFormNames[form]} leads to no sign-in at this host`, basis };
  }
  if (missing === undefined) return { action: "honour", reason: `${signInFormNames[form]} leads to a sign-in at this host`, basis };
  return isEmptied(signIn, facts) ? emptyAnswer(signIn) : { action: "pass_on", reason: missing, basis: basisOf(signIn.needs) };
}

/**
 * What a demand in a result lacks for a host that is particular about them; undefined when nothing.
 *
 * @param told whether the tool declares its `securitySchemes`, and whether the challenge has `error` and `error_description`
 */
export function lackOfResult({ needs }: HostSignIn, told: { readonly declares: boolean; readonly describes: boolean }): string | undefined {
  if (needs.value.includes("security_schemes") && !told.declares) return "the tool declares no securitySchemes";
  return needs.value.includes("described_error") && !told.describes ? "the challenge lacks error or error_description" : undefined;
}

/** Whether the host of the profile renews a token that is over, where its server lets it. */
export function renewsTokens(profile: HostProfile): boolean {
  return hostSignIns[profile].expiry.value === "renews";
}

/** Whether the host of the profile signs in to a server that answers nothing without it; `configured`: whoever set it up said that it must. */
export function signsInToConnect(profile: HostProfile, configured: boolean): boolean {
  const { value } = hostSignIns[profile].opensOn.connect;
  return value.includes("http_401") || (configured && value.includes("configured"));
}

/** Where it is written that the host of the profile does not sign in to a server that answers nothing without it; undefined where it does. */
export function noSignInToConnect(profile: HostProfile, configured: boolean): Basis | undefined {
  return signsInToConnect(profile, configured) ? undefined : basisOf(hostSignIns[profile].opensOn.connect);
}

/**
 * What a server is told of the host of the profile. Tasks are left out wherever that host has them: a server that used them would wait for what only their real
 * host can do. Of what is offered and cannot be given here (roots, sampling), the server gets none.
 */
export function announcedUnder(profile: HostProfile): JsonObject {
  const { tasks: _tasks, ...announced } = hostClients[profile].capabilities.value;
  return announced;
}

/** The modes of elicitation that the host offers to servers. An empty object stands for forms (MCP 2025-06-18). */
export function elicitationModes(profile: HostProfile): readonly ("form" | "url")[] {
  const offered = member(hostClients[profile].capabilities.value, "elicitation");
  if (!isJsonObject(offered)) return [];
  const modes = (["form", "url"] as const).filter((mode) => Object.hasOwn(offered, mode));
  return modes.length === 0 ? ["form"] : modes;
}

/** Who may call a tool, as far as the host of the profile keeps to what the tool declares. */
export function visibilityUnder(profile: HostProfile, declared: ReadonlySet<"model" | "app">): ReadonlySet<"model" | "app"> {
  const isKept = hostViews[profile].enforcesVisibility.value || declared.size === 0;
  return isKept ? declared : new Set(["model", ...declared]);
}

/** How long requests may stay without an answer, in ms. */
export interface RequestLimits {
  readonly requestMs: number;
  readonly tokenMs: number;
}

/** The limits of the host of the profile, where they are known and shorter than this host's own: acting another host out never makes this one wait longer. */
export function limitsUnder(profile: HostProfile, own: RequestLimits): RequestLimits {
  const { requestMs, tokenMs } = hostClients[profile];
  const shorter = (limit: Fact<number>, ownMs: number): number => (limit.certainty === "assumed" ? ownMs : Math.min(limit.value, ownMs));
  return { requestMs: shorter(requestMs, own.requestMs), tokenMs: shorter(tokenMs, own.tokenMs) };
}

function emptyAnswer({ viewWithout }: HostSignIn): EmptyAnswer {
  const reason = "this host answers a view's call with HTTP 400 and {} where it would have to sign in";
  return { action: "answer", status: 400, body: "{}", reason, basis: basisOf(viewWithout) };
}

function basisOf({ certainty, source }: Fact<unknown>): Basis {
  return { certainty, source };
}

function opens(signIn: HostSignIn, origin: CallOrigin, form: SignInForm): boolean {
  return signIn.opensOn[moments[origin]].value.includes(form);
}

/** A full connector's sign-in belongs to the connection, so it comes up whoever calls. */
function startsAnew(signIn: HostSignIn, token: TokenState): boolean {
  return token.state === "none" || (token.state === "expired" && signIn.expiry.value !== "fails");
}

function isEmptied(signIn: HostSignIn, { mode, origin }: Pick<CallFacts, "mode" | "origin">): boolean {
  return mode === "mixed" && moments[origin] === "view" && signIn.viewWithout.value === "empty";
}

/** A host that does not renew tokens has no use for a refresh token. */
function tokenUnder(signIn: HostSignIn, token: TokenState): TokenState {
  return token.state === "expired" && signIn.expiry.value !== "renews" ? { ...token, refreshable: false } : token;
}

function tokenToSend(signIn: HostSignIn, token: TokenState): "attach" | "omit" | "refresh" {
  const held = tokenUnder(signIn, token);
  if (held.state === "held") return "attach";
  return held.state === "expired" && held.refreshable ? "refresh" : "omit";
}

function formOf(challenge: Exclude<Challenge, { form: "url" | "input" }>, token: TokenState): SignInForm {
  if (challenge.form !== "http") return challenge.form;
  if (challenge.status === 403) return "http_403";
  return token.state === "none" ? "http_401" : "http_401_token";
}

function missingNeed(signIn: HostSignIn, { challenge, schemes }: ChallengeFacts): string | undefined {
  if (challenge.form !== "result") return undefined;
  const describes = challenge.error !== undefined && challenge.errorDescription !== undefined;
  return lackOfResult(signIn, { declares: kindOfSchemes(schemes) !== "undeclared", describes });
}

function judgeQuestions(profile: HostProfile, { questions }: Extract<Challenge, { form: "url" | "input" }>): ChallengeVerdict {
  const basis = basisOf(hostClients[profile].capabilities);
  const modes = elicitationModes(profile);
  const isOffered = questions.every((question) => modes.includes(question.kind));
  return isOffered
    ? { action: "honour", reason: "the host puts such questions to the user", basis }
    : { action: "pass_on", reason: "the host offers no elicitation of this mode", basis };
}
