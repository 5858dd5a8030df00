import { member } from "@countersign/protocol/shape";
import { type Load, type Reply } from "./load.ts";

/** What a page of the console does, over kept-alive connections and without a browser: its session's cookies, calls, and the sign-in window. */
export interface Page {
  /** Starts a call of the shop's tool; gives its id. */
  startCall(): Promise<string>;
  /** Waits until the call shows a flow, and gives the path that its window is sent to. */
  untilParked(callId: string): Promise<string>;
  /** Waits until the call has its result. Throws when it ends otherwise. */
  untilCompleted(callId: string): Promise<void>;
  /** Sends the window to the flow; gives the address that it is led to. */
  openFlow(startPath: string): Promise<string>;
  /** The window comes back from the authorization server. */
  callback(path: string): Promise<void>;
  signOut(): Promise<void>;
}

/** Opens the console as a new user. */
export async function openPage(load: Load, origin: string): Promise<Page> {
  const session = await load.send({ method: "GET", path: "/api/session", headers: {}, body: "" });
  const cookies = new Set([session.cookies]);
  const get = async (path: string): Promise<Reply> => {
    const reply = await load.send({ method: "GET", path, headers: { cookie: [...cookies].join("; ") }, body: "" });
    if (reply.cookies !== "") cookies.add(reply.cookies);
    return reply;
  };
  const post = (path: string, body: object): Promise<Reply> => {
    const headers = { "content-type": "application/json", origin, cookie: [...cookies].join("; ") };
    return load.send({ method: "POST", path, headers, body: JSON.stringify(body) });
  };
  const until = async (callId: string, reached: (call: unknown) => boolean): Promise<unknown> => {
    for (let query = ""; ; ) {
      const reply = await get(`/api/calls/${callId}${query}`);
      const call: unknown = JSON.parse(reply.body);
      query = `?wait=25&since=${Number(member(call, "version"))}`;
      if (reached(call)) return call;
      const state = member(call, "state");
      if (reply.status !== 200 || state === "failed" || state === "refused" || state === "completed")
        throw new Error(`the call went wrong: ${reply.body}`);
    }
  };
  return {
    startCall: async () => {
      const started = await post("/api/calls", {
        connectorId: "shop",
        tool: "quote",
        arguments: { sku: "mug-stoneware-blue", quantity: 2 },
        origin: "user",
      });
      const id = member(JSON.parse(started.body), "id");
      if (started.status !== 202 || typeof id !== "string") throw new Error(`the host did not start the call: ${started.status} ${started.body}`);
      return id;
    },
    untilParked: async (callId) => String(member(member(await until(callId, (call) => member(call, "flow") !== undefined), "flow"), "startUrl")),
    untilCompleted: async (callId) => {
      await until(callId, (call) => member(member(member(call, "result"), "structuredContent"), "total") === 2500);
    },
    openFlow: async (startPath) => locationOf(await get(startPath)),
    callback: async (path) => {
      const reply = await get(path);
      if (reply.status !== 200) throw new Error(`the callback was refused: ${reply.status}`);
    },
    signOut: async () => {
      const reply = await post("/api/connectors/shop/sign-out", {});
      if (reply.status !== 200) throw new Error(`not signed out: ${reply.status} ${reply.body}`);
    },
  };
}

/** Where a redirect leads. */
export function locationOf(reply: Reply): string {
  if (reply.location === undefined) throw new Error(`no redirect: ${reply.status} ${reply.body.slice(0, 300)}`);
  return reply.location;
}

/** Path and query of an address. */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
