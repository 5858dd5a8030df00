import type { Certainty, Fact } from "./host-profile.ts";
import { type HostSignIn, hostSignIns, type SignInForm, signInFormNames, type SignInMoment } from "./host-profile-sign-in.ts";
import { hostViews } from "./host-profile-view.ts";
import { type HostProfile, hostLadders, type Rung } from "./ladder.ts";
import { lackOfResult } from "./profile-call.ts";
import type { ConnectorMode } from "./security.ts";

/** What a server does when a tool needs a sign-in, as the host of the profile would meet it. */
export interface ReachFacts {
  readonly mode: ConnectorMode;
  /** Who calls. */
  readonly by: "model" | "view";
  /** The forms in which the server demands the sign-in of this host. */
  readonly forms: readonly SignInForm[];
  /** The tool declares its `securitySchemes`. */
  readonly declares: boolean;
  /** The challenge in a result has `error` and `error_description`. */
  readonly describes: boolean;
  /** The app offers account links (account-link.ts). */
  readonly offersLinks: boolean;
}

/** How far a protected tool can be reached: by the plain call, by another way, or not at all. */
export interface Reach {
  readonly reach: "works" | "falls_back" | "dead";
  /** The way that leads there. */
  readonly way: Rung | undefined;
  readonly reason: string;
  /** Of the weakest fact that the verdict rests on, and that fact's source. */
  readonly certainty: Certainty;
  readonly source: string;
}

/** Says how far a tool that needs a sign-in is reached at the host of the profile, when no token is held yet. */
export function judgeReach(profile: HostProfile, facts: ReachFacts): Reach {
  const signIn = hostSignIns[profile];
  if (facts.by === "model") return judgeMoment(signIn, "model", facts);
  const { capabilities, openai } = hostViews[profile];
  const calls = capabilities.value.includes("serverTools") || openai.value.includes("callTool");
  if (!calls) return askModel(profile, facts, "the host announces no tool calls to views", [capabilities, openai]);
  const plain = judgeMoment(signIn, "view", facts);
  if (plain.reach === "works") return plain;
  if (facts.offersLinks && hostLadders[profile].rungs.includes("link")) {
    return { ...plain, reach: "falls_back", way: "link", reason: "the app links the account itself" };
  }
  return askModel(profile, facts, plain.reason, [signIn.opensOn.view]);
}

/** The plain call, at the moment that counts: a full connector has signed in before any call. */
function judgeMoment(signIn: HostSignIn, moment: SignInMoment, facts: ReachFacts): Reach {
  if (facts.mode === "full") {
    const { connect } = signIn.opensOn;
    return connect.value.length > 0 ? works("the host signs in when it connects", [connect]) : dead("the host signs in at no time", [connect]);
  }
  const opens = signIn.opensOn[moment];
  const meant = facts.forms.filter((form) => opens.value.includes(form));
  if (meant.length === 0) return dead("the host starts no sign-in on what the server says", [opens]);
  const lacking = meant.every((form) => form === "result") ? lackOfResult(signIn, facts) : undefined;
  return lacking === undefined ? works(`${namesOf(meant)} leads to a sign-in`, [opens]) : dead(lacking, [opens, signIn.needs]);
}

function namesOf(forms: readonly SignInForm[]): string {
  return forms.map((form) => signInFormNames[form]).join(" or ");
}

/** The view asks the chat to make the call: it must be able to, and the model's call must lead somewhere. */
function askModel(profile: HostProfile, facts: ReachFacts, otherwise: string, because: readonly Fact<unknown>[]): Reach {
  const { capabilities, openai } = hostViews[profile];
  const asks = capabilities.value.includes("message") || openai.value.includes("sendFollowUpMessage");
  if (!asks) return dead(otherwise, [...because, capabilities, openai]);
  const signIn = hostSignIns[profile];
  const rests = [...because, signIn.opensOn.model];
  const leads = hostLadders[profile].rungs.includes("model") && judgeMoment(signIn, "model", facts).reach === "works";
  return leads ? { reach: "falls_back", way: "model", reason: "the chat is asked to make the call", ...weakest(rests) } : dead(otherwise, rests);
}

function works(reason: string, because: readonly Fact<unknown>[]): Reach {
  return { reach: "works", way: "host_resumes", reason, ...weakest(because) };
}

function dead(reason: string, because: readonly Fact<unknown>[]): Reach {
  return { reach: "dead", way: undefined, reason, ...weakest(because) };
}

/** From the weakest on. */
const strength: readonly Certainty[] = ["assumed", "inferred", "issue", "code", "doc", "own"];

function weakest(because: readonly Fact<unknown>[]): Pick<Reach, "certainty" | "source"> {
  const [first] = because.toSorted((a, b) => strength.indexOf(a.certainty) - strength.indexOf(b.certainty));
  if (first === undefined) throw new RangeError("a verdict rests on no fact");
  return { certainty: first.certainty, source: first.source };
}
