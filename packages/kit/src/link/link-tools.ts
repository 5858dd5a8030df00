import { accountLinkTools, type LinkHandle, linkOfferMeta, readLinkHandle } from "@countersign/protocol/account-link";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import { type RateBound, takeOne } from "@countersign/protocol/rate";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { ScopeSet } from "@countersign/protocol/scope";
import { z } from "zod";
import { answer, refused, type ToolAnswer, type ToolResult } from "../answer.ts";
import { anonymous } from "../auth.ts";
import type { ClientHints, ToolContext } from "../context.ts";
import { createHeldWaits } from "../held-waits.ts";
import type { ValidBearer } from "../policy/judge-link.ts";
import type { Report } from "../report.ts";
import { prepareTool, type Tool, type ToolAnnotations, type ToolHandler } from "../tool.ts";
import type { AccountLinks } from "./account-links.ts";

/** How a tool ended that ran for a linked account. `demanded`: the scopes that it lacked. */
export interface LinkedRun {
  readonly result: ToolResult;
  readonly demanded?: { readonly code: ErrorCode; readonly scope: ScopeSet };
}

export interface LinkToolsOptions {
  readonly links: AccountLinks;
  readonly toolOf: (name: string) => Tool | undefined;
  /** Runs a tool through the gate that a token in the header goes through. */
  readonly run: (tool: Tool, bearer: ValidBearer, args: unknown, ctx: ToolContext) => Promise<LinkedRun>;
  readonly clock: () => EpochMs;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
  readonly report: Report;
}

const handle = z.string().max(64).describe("The handle that link_account gave to this view");
const name = z.string().max(64);

const startsOfAll: RateBound = { burst: 20, perMinute: 20 };
const startsOfOne: RateBound = { burst: 5, perMinute: 5 };
const countedMax = 1_000;

/** The tools of protocol/account-link: anonymous, for views only. */
export function createLinkTools(options: LinkToolsOptions): ReadonlyMap<string, Tool> {
  const names = accountLinkTools;
  const { links } = options;
  const mayStart = createStartBounds(options.clock);
  const awaitLink = createWait(options);
  const callInput = z.object({ handle, tool: name, arguments: z.record(z.string(), z.unknown()).optional() });
  const tools = [
    prepare(names.link, "Link an account", texts.link, z.object({ tool: name, handle: handle.optional() }), {}, (args, ctx) =>
      startLink(options, mayStart, args, ctx),
    ),
    prepare(names.wait, "Wait for the link", texts.wait, z.object({ handle }), { readOnlyHint: true, idempotentHint: true }, awaitLink),
    prepare(names.call, "Call for a linked account", texts.call, callInput, {}, (args, ctx) => callLinked(options, args, ctx)),
    prepare(names.end, "Unlink the account", texts.end, z.object({ handle }), { idempotentHint: true }, async (args, ctx) => {
      const known = readLinkHandle(args.handle);
      if (known !== undefined) await links.end(known, ctx.subject);
      return answer({ status: "ended" }, "The link has ended.");
    }),
  ];
  return new Map(tools.map((tool) => [tool.listing.name, tool]));
}

function prepare<Input extends z.ZodObject>(
  tool: string,
  title: string,
  description: string,
  input: Input,
  annotations: ToolAnnotations,
  handler: ToolHandler<Input>,
): Tool {
  return prepareTool(tool, { title, description, input, annotations, visibility: ["app"] }, anonymous(), undefined, handler);
}

function createWait({ links, stopping }: LinkToolsOptions): (args: { readonly handle: string }, ctx: ToolContext) => Promise<ToolAnswer> {
  const waits = createHeldWaits();
  return async (args, ctx) => {
    const known = readLinkHandle(args.handle);
    if (known === undefined) return refused(refuse("not_found"));
    const leave = waits.enter(known);
    if (leave === undefined) return refused(refuse("rate_limited"));
    try {
      const state = await links.wait(known, ctx.subject, AbortSignal.any([ctx.signal, stopping]));
      return state.ok ? answer({ status: state.value }, stateTexts[state.value]) : refused(state.error);
    } finally {
      leave();
    }
  };
}

const texts = {
  link: "Starts to link the user's account to this view, on this or another device. Only this app's view can use it.",
  wait: "Waits until the user has decided about the link.",
  call: "Runs one of this app's tools for the linked account.",
  end: "Ends the link between the account and this view.",
};

const stateTexts = {
  pending: "The user has not decided yet.",
  linked: "The account is linked.",
  denied: "The user declined.",
  expired: "The time to approve is over.",
  failed: "The account could not be linked.",
} as const;

type MayStart = (hints: ClientHints) => boolean;

async function startLink(
  options: LinkToolsOptions,
  mayStart: MayStart,
  args: { tool: string; handle?: string | undefined },
  ctx: ToolContext,
): Promise<ToolAnswer> {
  const tool = judgeTool(options, args.tool);
  if (!tool.ok) return refused(tool.error);
  const before = readLinkHandle(args.handle);
  if (args.handle !== undefined && before === undefined) return refused(refuse("not_found"));
  if (!mayStart(ctx.hints)) return refused(refuse("rate_limited"));
  const offer = await options.links.begin(tool.value.auth.scope, ctx.subject, before);
  if (!offer.ok) return refused(offer.error);
  return answer({ status: "pending" }, "The user can link an account now, in the view.", linkOfferMeta(offer.value));
}

async function callLinked(
  options: LinkToolsOptions,
  args: { handle: string; tool: string; arguments?: Record<string, unknown> | undefined },
  ctx: ToolContext,
): Promise<ToolAnswer> {
  const known = readLinkHandle(args.handle);
  const tool = judgeTool(options, args.tool);
  const ready = tool.ok ? await bearerOf(options, known, ctx) : tool;
  if (!tool.ok || !ready.ok || known === undefined) return refusedCall(options, args.tool, ready.ok ? refuse("not_found") : ready.error);
  const { result, demanded } = await options.run(tool.value, ready.value, args.arguments ?? {}, ctx);
  if (demanded !== undefined) await options.links.want(known, demanded.scope);
  options.report({ event: "linked_call", rung: "link", tool: args.tool, outcome: demanded?.code ?? "ran" });
  return result;
}

async function bearerOf(options: LinkToolsOptions, known: LinkHandle | undefined, ctx: ToolContext): Promise<Result<ValidBearer, Refusal>> {
  return known === undefined ? err(refuse("not_found")) : await options.links.bearer(known, ctx.subject);
}

function refusedCall(options: LinkToolsOptions, tool: string, refusal: Refusal): ToolResult {
  const isKnown = options.toolOf(tool) !== undefined;
  options.report({ event: "linked_call", rung: "link", tool: isKnown ? tool : "", outcome: refusal.code });
  return refused(refusal);
}

/** The tools that a link is for: those of this app that a view may call and that know users (V15). */
function judgeTool(options: LinkToolsOptions, wanted: string): Result<Tool, Refusal> {
  const tool = options.toolOf(wanted);
  if (tool === undefined) return err(refuse("unknown_tool"));
  if (!tool.listing._meta.ui.visibility.includes("app")) return err(refuse("tool_not_visible"));
  return tool.auth.mode === "anonymous" ? err(refuse("invalid_request", "this tool needs no account")) : ok(tool);
}

/** Bounds on how often a link is started: of all callers together, and of each as it calls itself, which keeps one view's mistake from all the others. */
function createStartBounds(clock: () => EpochMs): MayStart {
  let allFullAt: EpochMs | undefined;
  const fullAt = new Map<string, EpochMs>();
  return (hints) => {
    const now = clock();
    const key = hints.widgetSession ?? hints.session ?? hints.subject;
    const one = key === undefined ? undefined : takeOne(fullAt.get(key), startsOfOne, now);
    if (one?.ok === false) return false;
    const all = takeOne(allFullAt, startsOfAll, now);
    if (!all.ok) return false;
    allFullAt = all.value;
    if (key !== undefined && one?.ok === true) {
      if (fullAt.size >= countedMax) fullAt.clear();
      fullAt.set(key, one.value);
    }
    return true;
  };
}
