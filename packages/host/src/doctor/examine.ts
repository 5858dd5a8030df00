import { refuse, type Refusal } from "@countersign/protocol/errors";
import { isLoopbackUrl, parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import type {
  BadTokenObservation,
  ChallengeObservation,
  EraObservation,
  ProtectedCallObservation,
  ServerObservation,
  ToolsObservation,
  TransportObservation,
} from "@countersign/protocol/server-observation";
import { dial } from "@countersign/service/dial/dial";
import { Asker, type AskBounds } from "./ask.ts";
import type { Speech } from "./message.ts";
import { endSessions, probeEras, type ErasSeen } from "./probe-eras.ts";
import { probeAuthorizationServers, probeResourceMetadata } from "./probe-metadata.ts";
import { addressesTried, probeRegistration, registeringServer } from "./probe-registration.ts";
import { chooseProtectedTool, isDemand, probeAsHosts, probeBadToken, probeProtectedCall, type CallConsent } from "./probe-sign-in.ts";
import { probeTools, type ToolsSeen } from "./probe-tools.ts";
import { probeCrossOrigin, probeTransport } from "./probe-transport.ts";
import { probeViews } from "./probe-views.ts";

export interface ExamineOptions extends Pick<AskBounds, "reach"> {
  readonly consent: CallConsent;
  /** Whether clients may be registered at the authorization server, to see which addresses it takes: it makes something there. Absent: no. */
  readonly register?: boolean;
  /** Told before that, and whether there is a server that registers clients. It is no step of every examination. */
  readonly onRegister?: (offered: boolean) => void;
  /** Ends the examination: nothing more is asked, and no step is told. */
  readonly signal?: AbortSignal;
  /** Told what is looked at next. */
  readonly onStep?: (step: ExamineStep) => void;
  /** Stands in for the network in tests. */
  readonly dial?: AskBounds["dial"];
}

/** What is looked at, in this order. A server that does not speak to a stranger is not asked for what is between the first and the metadata. */
export const examineSteps = ["revisions", "tools", "calls", "views", "transport", "metadata", "cross_origin"] as const;

export type ExamineStep = (typeof examineSteps)[number];

const timeoutMs = 10_000;
/** Of the whole examination, however slow the server is. What was not seen by then counts as unseen. */
const totalMs = 90_000;
const questionsMax = 70;

/** What is asked with messages, once a way to speak is known. */
interface Conversation {
  readonly transport: TransportObservation;
  readonly tools: ToolsObservation;
  readonly protectedCall: ProtectedCallObservation;
  readonly protectedCallOf: ServerObservation["protectedCallOf"];
  readonly badToken: BadTokenObservation;
  readonly views: ServerObservation["views"];
}

/**
 * Looks at any MCP server from outside, without an account: at most 70 requests, 10 s each and 90 s together, one after another, none with a credential of
 * anybody; with `register` two more for each client, and a client's own key to take it away. Refuses with `invalid_request` what is no http(s) address; everything
 * else is an observation.
 */
export async function examineServer(address: string, options: ExamineOptions): Promise<Result<ServerObservation, Refusal>> {
  const resource = parseResourceUri(address);
  if (!resource.ok) return err(refuse("invalid_request", "the server's address is an absolute http(s) URL without credentials and fragment"));
  const { reach, consent } = options;
  const late = AbortSignal.timeout(totalMs);
  const signal = options.signal === undefined ? late : AbortSignal.any([options.signal, late]);
  // A client that is registered is taken away again, however much was asked before.
  const moreQuestions = options.register === true ? 2 * addressesTried().length : 0;
  const asker = new Asker({ dial: options.dial ?? dial, reach, timeoutMs, questionsMax: questionsMax + moreQuestions, signal });
  const url = new URL(resource.value);
  const loopback = isLoopbackUrl(url);
  const step = (name: ExamineStep): void => {
    if (!signal.aborted) options.onStep?.(name);
  };
  step("revisions");
  const seen = await probeEras(asker, resource.value);
  const { speech, opened } = seen;
  const own = speech === undefined ? undefined : seen.eras[speech.era];
  const offersTools = own?.seen !== "spoken" || own.capabilities.includes("tools");
  const setting = { opened, consent, offersTools, development: loopback, step };
  const conversation = speech === undefined ? withoutSpeech(seen) : await converse(asker, { ...setting, speech });
  await endSessions(asker, resource.value, seen.sessions);
  step("metadata");
  const resourceMetadata = await probeResourceMetadata(asker, resource.value, pointersIn(seen, conversation));
  const authorizationServers = await probeAuthorizationServers(asker, resourceMetadata);
  step("cross_origin");
  const crossOrigin = await probeCrossOrigin(asker, resource.value);
  const registering = options.register === true ? registeringServer(authorizationServers) : undefined;
  if (options.register === true && !signal.aborted) options.onRegister?.(registering !== undefined);
  const registrations = registering === undefined ? undefined : await probeRegistration(asker, registering);
  return ok({
    url: resource.value,
    scheme: url.protocol === "https:" ? "https" : "http",
    loopback,
    eras: seen.eras,
    ...conversation,
    resourceMetadata,
    authorizationServers,
    ...(registrations === undefined ? {} : { registrations }),
    crossOrigin,
  });
}

interface Setting {
  readonly speech: Speech;
  readonly opened: readonly Speech[];
  readonly consent: CallConsent;
  /** Whether the server says that it has tools at all. */
  readonly offersTools: boolean;
  /** The views' policies are judged as for a server on this machine. */
  readonly development: boolean;
  readonly step: (step: ExamineStep) => void;
}

async function converse(asker: Asker, { speech, opened, consent, offersTools, development, step }: Setting): Promise<Conversation> {
  step("tools");
  const { observation, tools }: ToolsSeen = await probeTools(asker, speech, offersTools);
  step("calls");
  const protectedCall = await probeProtectedCall(asker, speech, tools, consent);
  const protectedCallOf = isDemand(protectedCall) ? await probeAsHosts(asker, speech, tools, consent) : {};
  const chosen = chooseProtectedTool(tools, consent);
  const badToken = await probeBadToken(asker, speech, isDemand(protectedCall) && "name" in chosen ? chosen.name : undefined);
  step("views");
  const listed = tools.map((tool) => tool.observation);
  const views = await probeViews(asker, speech, listed, development);
  step("transport");
  const transport = await probeTransport(asker, opened.find(({ era }) => era !== "2026-07-28") ?? speech);
  return { tools: observation, protectedCall, protectedCallOf, badToken, views, transport };
}

/** A server that lets nobody in without sign-in, or that does not speak: what it said at the door stands for all. */
function withoutSpeech({ eras }: ErasSeen): Conversation {
  const all: readonly EraObservation[] = Object.values(eras);
  const challenged = all.find((era) => era.seen === "challenged");
  const silent = all.find((era) => era.seen === "nothing");
  const isOld = eras["HTTP+SSE"].seen === "spoken";
  const tools: ToolsObservation = challenged ??
    (isOld ? { seen: "nothing", problem: "not_spoken" } : silent) ?? { seen: "refused", status: statusOf(all) };
  return {
    tools,
    protectedCall: { seen: "not_called", reason: "none_declared" },
    protectedCallOf: {},
    badToken: silent ?? { seen: "refused", status: statusOf(all) },
    views: [],
    transport: { stream: "unknown", batch: "unknown", sessionDemanded: undefined, foreignOrigin: "unknown" },
  };
}

function statusOf(eras: readonly EraObservation[]): number {
  return eras.find((era) => era.seen === "refused" || era.seen === "unreadable")?.status ?? 0;
}

/** Where challenges say that the metadata is. */
function pointersIn({ eras }: ErasSeen, { tools, protectedCall, badToken }: Conversation): readonly string[] {
  const challenges: ChallengeObservation[] = [];
  for (const era of Object.values(eras)) if (era.seen === "challenged") challenges.push(era.challenge);
  if (tools.seen === "challenged") challenges.push(tools.challenge);
  if (protectedCall.seen === "http") challenges.push(protectedCall.challenge);
  if (badToken.seen === "challenged") challenges.push(badToken.challenge);
  return [...new Set(challenges.flatMap(({ resourceMetadata }) => resourceMetadata ?? []))];
}
