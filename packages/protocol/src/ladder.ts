import { boundedText, member } from "./shape.ts";

/**
 * The ways by which a view's call of a protected tool can come through.
 *
 * `host_resumes`: the plain call; the host signs the user in and answers when it is done. `continue`: the same call still waits, and the user has to press
 * Continue in the host. `link`: the view shows a link of the app's own (account-link.ts) and calls through it. `model`: the view asks the model to make the call.
 */
export type Rung = "host_resumes" | "continue" | "link" | "model";

export type HostProfile = "countersign" | "chatgpt" | "claude" | "vscode" | "cursor" | "goose" | "copilot" | "generic";

export interface HostLadder {
  /** In the order of trying. */
  readonly rungs: readonly Rung[];
  /** Whether an empty or unreadable answer to a view's call means that sign-in is missing and that no tool has run. */
  readonly emptyMeansSignIn: boolean;
  /** What the row rests on. */
  readonly source: string;
}

/**
 * One row a host, in agreement with what host-profile-sign-in.ts tells of it, and by itself so that views need not carry all of that. The plain call is always
 * first, because it succeeds wherever the host holds a token. The model is asked unless a challenge to its call is known to lead to no sign-in. A wrong row costs a needless attempt, never access.
 */
export const hostLadders: Readonly<Record<HostProfile, HostLadder>> = {
  countersign: {
    rungs: ["host_resumes", "continue", "link", "model"],
    emptyMeansSignIn: false,
    source: "MCP Apps, docs/authorization.md: a 401 to a view's call makes the host sign in, repeat the call and answer the view",
  },
  chatgpt: {
    rungs: ["host_resumes", "link", "model"],
    emptyMeansSignIn: true,
    source:
      "openai-apps-sdk-examples #202: HTTP 400 `{}` to a view's call in mixed authorization; Apps SDK, authorization: the model's call opens sign-in",
  },
  claude: {
    rungs: ["host_resumes", "link", "model"],
    emptyMeansSignIn: false,
    source: "claude.com/docs, lazy authentication: HTTP 401 to the model's call signs in and repeats it; nothing is known of a view's call",
  },
  vscode: {
    rungs: ["host_resumes", "link", "model"],
    emptyMeansSignIn: false,
    source: "vscode #270383: 401 and 403 to any request sign in",
  },
  cursor: {
    rungs: ["host_resumes", "link", "model"],
    emptyMeansSignIn: false,
    source: "forum.cursor.com 160328: sign-in when connecting; nothing is known about calls",
  },
  goose: {
    rungs: ["host_resumes", "link"],
    emptyMeansSignIn: false,
    source: "goose #7334, #8725: a token that is over does not sign in again",
  },
  copilot: {
    rungs: ["host_resumes", "link"],
    emptyMeansSignIn: false,
    source: "learn.microsoft.com, plugin-mcp-apps: one authorization scheme for the whole server",
  },
  generic: {
    rungs: ["host_resumes", "continue", "link", "model"],
    emptyMeansSignIn: false,
    source: "nothing is known: every way, the ones that answer the view first",
  },
};

/** What is there to climb with: the host said that Continue is needed, the app offers account links, the host takes messages to the chat. */
export interface LadderMeans {
  readonly continue: boolean;
  readonly link: boolean;
  readonly model: boolean;
}

/** The next way to try, or undefined when none is left. A rung that was passed over does not come back: only what follows the last one tried is looked at. */
export function nextRung(profile: HostProfile, tried: readonly Rung[], can: LadderMeans): Rung | undefined {
  const { rungs } = hostLadders[profile];
  const highest = Math.max(-1, ...tried.map((rung) => rungs.indexOf(rung)));
  return rungs.find((rung, index) => index > highest && (rung === "host_resumes" || can[rung]));
}

/**
 * How a try ended without a result. `unauthorized`: a typed error that says that sign-in or more access is missing, so nothing has run. `unreadable`: no answer
 * that can be understood, such as an empty object. `ended`: the user or the tool said no. `failed`: anything else.
 */
export type RungFailure = "unauthorized" | "unreadable" | "ended" | "failed";

/**
 * Whether to go on to the next rung, that is, to make the call once more. What may have run already is not run again unless that is harmless.
 *
 * @param repeatable whether running the tool twice is the same as running it once
 */
export function mayClimb(profile: HostProfile, failure: RungFailure, repeatable: boolean): boolean {
  if (failure === "unauthorized") return true;
  return failure === "unreadable" && (repeatable || hostLadders[profile].emptyMeansSignIn);
}

/** Words in the name that a host gives itself, in the order of looking. */
const profileWords: readonly (readonly [RegExp, HostProfile])[] = [
  [/countersign/, "countersign"],
  [/chatgpt|openai/, "chatgpt"],
  [/claude/, "claude"],
  [/cursor/, "cursor"],
  [/goose/, "goose"],
  [/copilot|^mcs$/, "copilot"],
  [/visual studio code|vs ?code/, "vscode"],
];

/**
 * Which row stands for a host.
 *
 * @param hostName `hostInfo.name` of the handshake, where there was one
 * @param hasOpenai whether the frame speaks `window.openai` and no MCP Apps
 */
export function profileOf(hostName: string | undefined, hasOpenai: boolean): HostProfile {
  const name = (boundedText(hostName, 200) ?? "").toLowerCase();
  const named = profileWords.find(([word]) => word.test(name))?.[1];
  return named ?? (hasOpenai ? "chatgpt" : "generic");
}

/** The logger of `notifications/message` (MCP logging) under which a view tells its host where a call stands. */
export const ladderLogger = "countersign/ladder";

/** One step of a call, as the view tells it: no argument, no link and no handle. */
export interface LadderStep {
  readonly tool: string;
  readonly rung: Rung;
  readonly outcome: "begun" | "done" | RungFailure;
}

export const rungs: readonly Rung[] = ["host_resumes", "continue", "link", "model"];
export const rungOutcomes: readonly LadderStep["outcome"][] = ["begun", "done", "unauthorized", "unreadable", "ended", "failed"];

/** Reads the `data` of such a message, or gives undefined. A view can say anything here: good for a trace, never for a decision. */
export function readLadderStep(data: unknown): LadderStep | undefined {
  const tool = boundedText(member(data, "tool"), 128);
  const rung = rungs.find((each) => each === member(data, "rung"));
  const outcome = rungOutcomes.find((each) => each === member(data, "outcome"));
  return tool === undefined || rung === undefined || outcome === undefined ? undefined : { tool, rung, outcome };
}
