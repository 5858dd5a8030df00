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
];
