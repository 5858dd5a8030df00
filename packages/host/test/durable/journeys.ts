import { z } from "zod";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import type { WorldOptions, World } from "../stand-in/world.ts";
import type { User } from "./user.ts";

/** One story of a user with the host. `before` is set up without faults; `play` is what may be cut, and is repeated from its beginning. */
export interface Journey {
  readonly name: string;
  readonly tools: () => Record<string, StandInTool>;
  readonly host?: WorldOptions["host"];
  before?(user: User, world: World): Promise<void>;
  play(user: User, world: World): Promise<void>;
  /** How a call may end when the process died somewhere, beside `completed`: codes of the catalogue. */
  readonly mayFail: readonly string[];
  /** The same without any fault. */
  readonly ends: readonly string[];
}

const protectedTools = (): Record<string, StandInTool> => ({ list_orders: { demands: ["orders:read"] }, browse: {} });

/** A tool that takes money: it may run once, and asks for a scope of its own at run time. */
const paymentTools = (): Record<string, StandInTool> => ({
  list_orders: { demands: ["orders:read"] },
  pay: { schemes: [{ type: "noauth" }, { type: "oauth2", scopes: [] }], runtimeScope: () => "payment:pr_1" },
});

async function signIn(user: User): Promise<void> {
  await user.browser.signInBy("list_orders");
}

export const journeys: readonly Journey[] = [
  {
    name: "an anonymous call",
    tools: () => ({ browse: {} }),
    play: async (user) => void (await user.finish((await user.press("0001", "browse")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "an anonymous call of a tool that may repeat",
    tools: () => ({ browse: { annotations: { readOnlyHint: true } } }),
    play: async (user) => void (await user.finish((await user.press("0001", "browse")).id)),
    mayFail: [],
    ends: ["completed"],
  },
  {
    name: "a call that waits for a sign-in",
    tools: protectedTools,
    play: async (user) => void (await user.finish((await user.press("0001", "list_orders")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a challenge at run time, by status",
    tools: () => ({ undeclared: { demands: ["orders:read"], schemes: null } }),
    play: async (user) => void (await user.finish((await user.press("0001", "undeclared")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a step-up to the scope of one payment",
    tools: paymentTools,
    before: signIn,
    play: async (user) => void (await user.finish((await user.press("0001", "pay")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a sign-in that the user denies",
    tools: protectedTools,
    before: async (_, world) => void (world.authorizationServer.behaviour.error = "access_denied"),
    play: async (user) => void (await user.finish((await user.press("0001", "list_orders")).id)),
    mayFail: ["access_denied"],
    ends: ["access_denied"],
  },
  {
    name: "a sign-in that the user cancels in the console",
    tools: protectedTools,
    play: async (user) => {
      const { id } = await user.press("0001", "list_orders");
      await user.finish(id, async (call) => void (await user.browser.post(`/api/flows/${call.flow?.id}/cancel`)));
    },
    mayFail: ["cancelled"],
    ends: ["cancelled"],
  },
  {
    name: "a call that the user cancels",
    tools: protectedTools,
    play: async (user) => {
      const { id } = await user.press("0001", "list_orders");
      await user.finish(id, async () => void (await user.browser.post(`/api/calls/${id}/cancel`)));
    },
    mayFail: ["cancelled"],
    ends: ["cancelled"],
  },
  {
    name: "a token that the server no longer takes, renewed without the user",
    tools: protectedTools,
    before: async (user, world) => {
      await signIn(user);
      for (const token of world.authorizationServer.granted.values()) token.active = false;
    },
    play: async (user) => void (await user.finish((await user.press("0001", "list_orders")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a token that is due, renewed for two calls at once",
    tools: protectedTools,
    before: async (user, world) => {
      await signIn(user);
      world.offsetMs += 400_000;
    },
    play: async (user) => {
      const calls = await Promise.all(["0001", "0002"].map((key, index) => user.press(key, "list_orders", { index })));
      await Promise.all(calls.map((call) => user.finish(call.id)));
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed", "completed"],
  },
  {
    name: "two calls that wait for one sign-in",
    tools: protectedTools,
    play: async (user) => {
      const calls = await Promise.all(["0001", "0002"].map((key, index) => user.press(key, "list_orders", { index })));
      for (const call of calls) await user.finish(call.id);
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed", "completed"],
  },
  {
    name: "a demand that the opened sign-in does not cover, and gets its own",
    tools: () => ({ list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } }),
    play: async (user) => {
      const first = await user.press("0001", "list_orders");
      const parked = await user.waits(first.id);
      if (parked.flow?.state === "ready") await user.browser.fetch(parked.flow.startUrl);
      const second = await user.press("0002", "write");
      await user.finish(first.id);
      await user.finish(second.id);
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed", "completed"],
  },
  {
    name: "a question with a form in the middle of a call (input_required)",
    tools: () => ({ ask: { annotations: { readOnlyHint: true } } }),
    before: async (_, world) => answerFirst(world, inputRequired({ k1: form }, "opaque/state")),
    play: async (user) => {
      const { id } = await user.press("0001", "ask");
      await user.finish(id, (call) => user.answers(call, { action: "accept", content: { nick: "Kim" } }));
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a question with a form that the user declines, of a tool that may run once",
    tools: () => ({ ask: {} }),
    before: async (_, world) => answerFirst(world, inputRequired({ k1: form }, "opaque/state")),
    play: async (user) => {
      const { id } = await user.press("0001", "ask");
      await user.finish(id, (call) => user.answers(call, { action: "decline" }));
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a visit to an address that a server asks for (-32042)",
    tools: () => ({ ask: {} }),
    before: async (_, world) => answerFirst(world, visitRequired),
    play: async (user) => {
      const { id } = await user.press("0001", "ask");
      await user.finish(id, (call) => user.answers(call, { action: "accept" }));
    },
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
  {
    name: "a server that answers nothing without sign-in",
    tools: () => ({ browse: { annotations: { readOnlyHint: true } } }),
    before: async (_, world) => protectWhole(world),
    play: async (user) => void (await user.finish((await user.press("0001", "browse")).id)),
    mayFail: ["outcome_unknown"],
    ends: ["completed"],
  },
];

const form = {
  method: "elicitation/create",
  params: {
    mode: "form",
    message: "Who are you?",
    requestedSchema: { type: "object", properties: { nick: { type: "string" } }, required: ["nick"] },
  },
};

const visitRequired: Readonly<Record<string, unknown>> = {
  error: {
    code: -32042,
    message: "visit",
    data: { elicitations: [{ mode: "url", elicitationId: "e1", url: "https://bank.example/link?ticket=t-1", message: "Link your bank" }] },
  },
};

function inputRequired(inputRequests: unknown, requestState: string): Readonly<Record<string, unknown>> {
  return { result: { resultType: "input_required", inputRequests, requestState } };
}

/** Each call is answered so when it comes without answers of the user, and for the first time under its key; then it runs. */
function answerFirst(world: World, answer: Readonly<Record<string, unknown>>): void {
  const asked = new Set<string>();
  const shape = z.looseObject({ id: z.unknown().optional(), params: z.looseObject({ inputResponses: z.unknown().optional() }) });
  world.server.intercept = async (request, method) => {
    if (method !== "tools/call") return undefined;
    const { id, params } = shape.parse(await request.clone().json());
    const key = request.headers.get("idempotency-key") ?? "";
    if (params.inputResponses !== undefined || (asked.has(key) && "error" in answer)) return undefined;
    asked.add(key);
    return Response.json({ jsonrpc: "2.0", id, ...answer });
  };
}

/** Nothing but metadata is answered to whom has no token. */
function protectWhole(world: World): void {
  world.server.intercept = (request, method) =>
    method === "prm" || request.headers.has("authorization")
      ? undefined
      : new Response(null, { status: 401, headers: { "www-authenticate": world.server.challengeText(undefined, ["tools:use"]) } });
}
