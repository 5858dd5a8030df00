import { hostNames, profileNames } from "@countersign/protocol/host-profile";
import { hostSignIns } from "@countersign/protocol/host-profile-sign-in";
import type { HostProfile } from "@countersign/protocol/ladder";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { StandInAuthorizationServer } from "../stand-in/authorization-server.ts";
import { type Browser, type CallSeen, consoleOrigin, World, type WorldOptions } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

const tools = {
  browse: {},
  by_http: { demands: ["orders:read"] },
  by_result: { demands: ["orders:read"], form: "result" },
  undeclared: { demands: ["orders:read"], schemes: null },
} as const;

/** What becomes of a call that needs a sign-in, when none was made: the host signs in, or whoever called gets the server's answer, an error, or HTTP 400 with `{}`. */
type End = "signs in" | "server's answer" | "error" | "400 {}";

/** By the model's way and by a view's, with a server that demands by HTTP and with one that demands in its result. Written by hand, from reference to source. */
const ends: Readonly<Record<HostProfile, readonly [http: End, result: End, viewHttp: End, viewResult: End]>> = {
  countersign: ["signs in", "signs in", "signs in", "signs in"],
  chatgpt: ["error", "signs in", "400 {}", "400 {}"],
  claude: ["signs in", "server's answer", "error", "server's answer"],
  vscode: ["signs in", "server's answer", "signs in", "server's answer"],
  cursor: ["error", "server's answer", "error", "server's answer"],
  goose: ["error", "server's answer", "error", "server's answer"],
  copilot: ["error", "server's answer", "error", "server's answer"],
  generic: ["signs in", "server's answer", "error", "server's answer"],
};

async function begin(profile: HostProfile, options: WorldOptions = { tools: { ...tools } }): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  await choose(browser, profile);
  return browser;
}

async function choose(browser: Browser, profile: HostProfile): Promise<void> {
  const headers = { origin: consoleOrigin, "content-type": "application/json" };
  const answer = await browser.fetch("/api/settings/profile", { method: "PUT", headers, body: JSON.stringify({ profile }) });
  expect(answer.status).toBe(200);
}

interface Started {
  readonly status: number;
  readonly text: string;
  readonly call: CallSeen;
}

/** Calls as a page does, and waits until nothing more happens by itself. */
async function startBy(browser: Browser, tool: string, more: Record<string, unknown>): Promise<Started> {
  const answer = await browser.post("/api/calls", { connectorId: "store", tool, arguments: {}, origin: "user", ...more });
  const text = await answer.text();
  const id = answer.headers.get("countersign-call") ?? z.looseObject({ id: z.string() }).parse(JSON.parse(text)).id;
  const call = await browser.until(id, ({ flow, state }) => flow !== undefined || ["completed", "failed", "refused"].includes(state));
  return { status: answer.status, text, call };
}

function endOf({ status, text, call }: Started): End {
  if ("emptied" in call) return status === 400 && text === "{}" ? "400 {}" : "error";
  if (call.flow !== undefined) return "signs in";
  return call.state === "completed" ? "server's answer" : "error";
}

async function decisionsOf(browser: Browser, id: string): Promise<readonly Record<string, unknown>[]> {
  const trace: unknown = await (await browser.fetch(`/api/calls/${id}/trace`)).json();
  const { steps } = z.object({ steps: z.array(z.looseObject({ step: z.string(), detail: z.record(z.string(), z.unknown()) })) }).parse(trace);
  return steps.filter(({ step }) => step === "decision").map(({ detail }) => detail);
}

describe("a call at the host that is acted out", () => {
  it.each(profileNames)("M26 ends at %s as it does there, for the model and for a view", async (profile) => {
    const browser = await begin(profile);
    const widgetId = await browser.openWidget();
    const view = { origin: "widget", widgetId };
    const [http, result, viewHttp, viewResult] = ends[profile];
    const rows = [
      ["by_http", {}, http],
      ["by_result", {}, result],
      ["by_http", view, viewHttp],
      ["by_result", view, viewResult],
    ] as const;
    for (const [tool, by, end] of rows) {
      const started = await startBy(browser, tool, by);
      expect([tool, by, endOf(started)]).toEqual([tool, by, end]);
      expect(started.status).toBe(end === "400 {}" ? 400 : 202);
      if (end === "signs in") await browser.post(`/api/calls/${started.call.id}/cancel`);
    }
    expect(world.server.executions).toEqual([]);
    expect((await startBy(browser, "browse", view)).call.state).toBe("completed");
  });

  it.each(profileNames)("works at %s for a view once the user is signed in, with the token that is held", async (profile) => {
    const browser = await begin("countersign");
    expect((await browser.signInBy("by_http")).state).toBe("completed");
    await choose(browser, profile);
    const widgetId = await browser.openWidget();
    const { call } = await startBy(browser, "by_http", { origin: "widget", widgetId });
    expect(call).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.server.executions.map(({ token }) => token !== undefined)).toEqual([true, true]);
  });

  it("goes on after a sign-in that its host starts, and tells what decided with its source", async () => {
    const browser = await begin("chatgpt");
    const started = await startBy(browser, "by_result", {});
    expect(await decisionsOf(browser, started.call.id)).toMatchObject([
      { action: "call", token: "omit", host: "ChatGPT", source: hostSignIns.chatgpt.opensOn.model.source },
      { action: "honour", host: "ChatGPT", certainty: "doc", source: hostSignIns.chatgpt.opensOn.model.source },
    ]);
    await browser.signIn(started.call.flow?.startUrl ?? "");
    expect(await browser.settled(started.call.id)).toMatchObject({ state: "completed", rounds: 1 });
  });

  it("M26 tells a view of ChatGPT nothing, sends nothing, and tells the user why", async () => {
    const browser = await begin("chatgpt");
    const widgetId = await browser.openWidget();
    const more = { origin: "widget", widgetId, idempotencyKey: "the-same-click" };
    const { call } = await startBy(browser, "by_http", more);
    expect(call).toMatchObject({ state: "refused", emptied: true, error: { code: "authorization_required" } });
    expect(world.server.methods.filter((method) => method === "tools/call")).toEqual([]);
    expect(await decisionsOf(browser, call.id)).toEqual([
      { action: "answer", status: 400, body: "{}", host: "ChatGPT", certainty: "issue", source: "openai-apps-sdk-examples #202" },
    ]);
    expect((await startBy(browser, "by_http", more)).call.id).toBe(call.id);
  });

  it("is answered with nothing also when only the server's answer shows that a sign-in is missing", async () => {
    const browser = await begin("chatgpt");
    const widgetId = await browser.openWidget();
    const answer = await browser.post("/api/calls?wait=20", { connectorId: "store", tool: "undeclared", arguments: {}, origin: "widget", widgetId });
    expect([answer.status, await answer.text()]).toEqual([400, "{}"]);
    const call = await browser.read(answer.headers.get("countersign-call") ?? "");
    expect(call).toMatchObject({ state: "failed", emptied: true, error: { code: "authorization_required" } });
  });

  it("meets a further demand as the host at which it began, whatever the user chose meanwhile", async () => {
    const browser = await begin("claude");
    const { call } = await startBy(browser, "by_http", {});
    await choose(browser, "cursor");
    let demanded = 0;
    world.server.intercept = (_, method) => {
      if (method !== "tools/call") return undefined;
      demanded += 1;
      const headers = { "www-authenticate": world.server.challengeText("insufficient_scope", ["orders:write"]) };
      return demanded === 1 ? new Response(null, { status: 403, headers }) : undefined;
    };
    await browser.signIn(call.flow?.startUrl ?? "");
    const second = await browser.until(call.id, ({ rounds, flow }) => rounds === 2 && flow !== undefined);
    expect(second.flow?.scope).toEqual(["orders:read", "orders:write"]);
    const later = await startBy(browser, "by_http", {});
    expect(later.call.state).toBe("completed");
  });

  it("ends at the host at which it began, also when the user chooses another meanwhile and the host process starts anew", async () => {
    const browser = await begin("claude");
    const { call } = await startBy(browser, "by_http", {});
    await choose(browser, "cursor");
    await browser.signIn(call.flow?.startUrl ?? "");
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed" });
    const later = await startBy(browser, "by_result", {});
    expect(later.call.state).toBe("completed");
    expect(world.server.executions).toHaveLength(2);
  });

  it.each([
    ["chatgpt", "countersign"],
    ["countersign", "chatgpt"],
    ["claude", "countersign"],
  ] as const)(
    "of a view that was made for %s goes as there, though its user has chosen %s since; one of a new view as at that one",
    async (made, chosen) => {
      const browser = await begin(made);
      const old = { origin: "widget", widgetId: await browser.openWidget() };
      await choose(browser, chosen);
      expect(ends[made][2]).not.toBe(ends[chosen][2]);
      expect(endOf(await startBy(browser, "by_http", old))).toBe(ends[made][2]);
      const anew = { origin: "widget", widgetId: await browser.openWidget() };
      expect(endOf(await startBy(browser, "by_http", anew))).toBe(ends[chosen][2]);
    },
  );

  it.each(profileNames)("V15 refuses at %s what the product refuses a view", async (profile) => {
    const browser = await begin(profile, { tools: { browse: {}, hidden: { visibility: ["model"] } } });
    const widgetId = await browser.openWidget();
    const view = { origin: "widget", widgetId };
    expect((await startBy(browser, "browse", view)).call.state).toBe("completed");
    expect((await startBy(browser, "hidden", view)).call).toMatchObject({ state: "refused", error: { code: "tool_not_visible" } });
  });

  it.each(profileNames)("names %s by its own name where a decision is another's, and leaves no token in what is told", async (profile) => {
    const browser = await begin("countersign");
    await browser.signInBy("by_http");
    await choose(browser, profile);
    world.server.intercept = async (request, method) => {
      if (method !== "tools/call") return undefined;
      const { id } = z.looseObject({ id: z.unknown() }).parse(await request.clone().json());
      const challenge = 'Bearer error="insufficient_scope", error_description="More", scope="orders:write"';
      const content = [{ type: "text", text: `no: ${request.headers.get("authorization")}` }];
      return Response.json({ jsonrpc: "2.0", id, result: { isError: true, content, _meta: { "mcp/www_authenticate": [challenge] } } });
    };
    const { call } = await startBy(browser, "undeclared", {});
    const decisions = await decisionsOf(browser, call.id);
    const named = decisions.filter(({ host }) => host !== undefined);
    expect(new Set(named.map(({ host }) => host))).toEqual(new Set(profile === "countersign" ? [] : [hostNames[profile]]));
    const [token] = world.authorizationServer.granted.keys();
    expect(JSON.stringify([decisions, call])).not.toContain(token ?? "no token was given");
  });
});

describe("a token that is over", () => {
  it.each<[HostProfile, End | "renewed"]>([
    ["countersign", "renewed"],
    ["chatgpt", "renewed"],
    ["claude", "renewed"],
    ["vscode", "signs in"],
    ["cursor", "renewed"],
    ["goose", "error"],
    ["copilot", "renewed"],
    ["generic", "renewed"],
  ])("is at %s: %s", async (profile, wanted) => {
    const browser = await begin("countersign");
    await browser.signInBy("by_http");
    await choose(browser, profile);
    world.offsetMs += 10 * 60_000;
    const started = await startBy(browser, "by_http", {});
    const renewals = world.authorizationServer.tokenRequests.length - 1;
    expect([renewals, renewals === 1 ? "renewed" : endOf(started)]).toEqual([wanted === "renewed" ? 1 : 0, wanted]);
  });
});

describe("a token that its server refuses before it is over", () => {
  it.each<[HostProfile, number, End]>([
    ["countersign", 1, "server's answer"],
    ["claude", 1, "server's answer"],
    ["vscode", 0, "signs in"],
    ["goose", 0, "error"],
  ])("is renewed at %s %i times, which ends in: %s", async (profile, renewals, end) => {
    const browser = await begin("countersign");
    await browser.signInBy("by_http");
    await choose(browser, profile);
    for (const granted of world.authorizationServer.granted.values()) granted.active = false;
    const started = await startBy(browser, "by_http", {});
    expect([endOf(started), world.authorizationServer.tokenRequests.length - 1]).toEqual([end, renewals]);
  });
});

describe("a token that nobody can renew and its server refuses", () => {
  it.each<[HostProfile, string, End]>([
    ["chatgpt", "by_http", "signs in"],
    ["chatgpt", "undeclared", "signs in"],
    ["claude", "by_http", "signs in"],
    ["cursor", "by_http", "error"],
  ])("leads at %s with %s to: %s", async (profile, tool, end) => {
    const browser = await begin("countersign");
    world.authorizationServer.behaviour.tokenResponse = (form) =>
      form.get("grant_type") === "refresh_token" ? Response.json({ error: "invalid_grant" }, { status: 400 }) : undefined;
    await browser.signInBy("by_http");
    await choose(browser, profile);
    for (const granted of world.authorizationServer.granted.values()) granted.active = false;
    expect(endOf(await startBy(browser, tool, {}))).toBe(end);
  });
});

describe("a server that names two authorization servers", () => {
  it.each(profileNames)("is signed in to at %s with the first, or with the one that knows the host", async (profile) => {
    const browser = await begin(profile);
    const other = await StandInAuthorizationServer.start();
    try {
      other.clients.clear();
      const { origin } = world.authorizationServer;
      world.server.prm = { authorization_servers: [other.origin, origin] };
      const started = await startBy(browser, profile === "chatgpt" ? "by_result" : "by_http", {});
      const signsIn = ends[profile].slice(0, 2).includes("signs in");
      const looksAtAll = hostSignIns[profile].issuers.value === "any";
      const found = looksAtAll
        ? { flow: { issuer: origin } }
        : { state: "failed", error: { code: signsIn ? "registration_unavailable" : "authorization_required" } };
      expect(started.call).toMatchObject(found);
    } finally {
      await other.close();
    }
  });
});

describe("a server that answers nothing without sign-in", () => {
  async function beginClosed(profile: HostProfile): Promise<Browser> {
    const browser = await begin(profile === "countersign" ? "generic" : "countersign");
    world.server.intercept = (request, method) =>
      method === "prm" || request.headers.has("authorization")
        ? undefined
        : new Response(null, { status: 401, headers: { "www-authenticate": world.server.challengeText(undefined, ["orders:read"]) } });
    await choose(browser, profile);
    return browser;
  }

  it("is not signed in to at Copilot, where whoever adds it has to say so", async () => {
    const browser = await beginClosed("copilot");
    const started = await startBy(browser, "by_http", {});
    expect([endOf(started), started.call.error?.code]).toEqual(["error", "authorization_required"]);
    const { certainty, source } = hostSignIns.copilot.opensOn.connect;
    const told = { action: "refuse", host: hostNames.copilot, certainty, source };
    expect(await decisionsOf(browser, started.call.id)).toEqual([told]);
  });

  const connecting = profileNames.filter((profile) => hostSignIns[profile].opensOn.connect.value.includes("http_401"));
  it.each(connecting)("is signed in to at %s when it connects; its view's calls then work", async (profile) => {
    const browser = await beginClosed(profile);
    const started = await startBy(browser, "by_http", {});
    expect([profile, endOf(started)]).toEqual([profile, "signs in"]);
    await browser.signIn(started.call.flow?.startUrl ?? "");
    expect((await browser.settled(started.call.id)).state).toBe("completed");
    const widgetId = await browser.openWidget();
    expect((await startBy(browser, "by_http", { origin: "widget", widgetId })).call.state).toBe("completed");
  });
});
