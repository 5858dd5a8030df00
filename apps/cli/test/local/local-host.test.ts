import { afterEach, beforeEach, expect, test } from "vitest";
import { signInConnector } from "@countersign/host/routes/operations";
import { runConnect } from "../../src/connect/run-connect.ts";
import { SignInGuide } from "../../src/local/guide-sign-in.ts";
import { type LocalServers, openSession, startServers, type TestSession } from "../../testing/local-servers.ts";
import { paperTerminal } from "../../testing/paper-terminal.ts";

let servers: LocalServers;
let session: TestSession;
beforeEach(async () => {
  servers = await startServers({ browse: {}, list_orders: { demands: ["orders:read"] }, hidden: { visibility: ["app"] } });
});
afterEach(async () => {
  await session.close();
  await servers.close();
});

test("a browser of this machine sees the pages of a sign-in and nothing of the API", async () => {
  const terminal = paperTerminal();
  session = await openSession(servers, { terminal, way: "link" });
  const flow = await session.host.ask(signInConnector, { id: "store" });
  if (!flow.ok) throw new TypeError("a sign-in begins");
  await new SignInGuide(session).show(flow.value);
  const link = /http:\S+/.exec(terminal.told())?.[0] ?? "";
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/flows\/link\//);
  const { origin } = new URL(link);
  for (const path of [
    "/api/session",
    "/api/connectors",
    "/api/openapi.json",
    "/",
    `/flows/${flow.value.id}/start`,
    "/flows/link",
    "/oauth/clients/x.json",
  ]) {
    expect((await fetch(origin + path)).status).toBe(404);
  }
  expect((await fetch(`${origin}/pages/look.css`)).status).toBe(200);
  expect((await fetch(link, { redirect: "manual" })).status).toBe(303);
});

const connectTo = { command: "connect", act: "list", name: undefined, json: false, way: "browser" } as const;

test("a server is connected by its address, listed with its tools, called by a name of one's own, and removed", async () => {
  const more = await startServers({ other: { visibility: ["app"] }, open: {} });
  try {
    const terminal = paperTerminal();
    session = await openSession(servers, { terminal });
    expect(await runConnect(session, { ...connectTo, server: more.server.url, name: "My notes" })).toBe("done");
    expect(terminal.printed()).toContain("My notes  (con_");
    expect(terminal.printed()).toMatch(/ {4}other +no sign-in +\S.*\[for views only\]\n/);
    const byName = paperTerminal();
    expect(await runConnect({ ...session, terminal: byName }, { ...connectTo, server: "my notes", act: "remove" })).toBe("done");
    expect(byName.printed()).toBe("My notes is removed.\n");
    const gone = paperTerminal();
    expect(await runConnect({ ...session, terminal: gone }, { ...connectTo, server: more.server.url, act: "sign_out" })).toBe("usage");
    const listed = paperTerminal();
    expect(await runConnect({ ...session, terminal: listed }, { ...connectTo, server: undefined, json: true })).toBe("done");
    expect(JSON.parse(listed.printed())).toMatchObject({ schema: 1, ok: true, servers: [{ id: "store" }] });
  } finally {
    await more.close();
  }
});

test("signing in to a server and out again is shown, and signing out revokes the token", async () => {
  const terminal = paperTerminal();
  session = await openSession(servers, { terminal });
  expect(await runConnect(session, { ...connectTo, server: "store", act: "sign_in" })).toBe("done");
  expect(terminal.told()).toContain("Signed in.\n");
  expect(terminal.printed()).toContain(`  signed in at ${servers.authorizationServer.origin}`);
  const out = paperTerminal();
  expect(await runConnect({ ...session, terminal: out }, { ...connectTo, server: "store", act: "sign_out" })).toBe("done");
  expect(out.printed()).toBe("Signed out of Store.\n");
  await expect.poll(() => servers.authorizationServer.revoked).toHaveLength(1);
});

test("a server that answers nothing without sign-in is signed in to before its tools are listed", async () => {
  servers.server.intercept = (request, method) =>
    request.headers.get("authorization") === null && method !== "prm"
      ? new Response(null, { status: 401, headers: { "www-authenticate": servers.server.challengeText(undefined, ["orders:read"]) } })
      : undefined;
  const terminal = paperTerminal();
  session = await openSession(servers, { terminal });
  expect(await runConnect(session, { ...connectTo, server: "store" })).toBe("done");
  expect(session.opened).toHaveLength(1);
  expect(terminal.printed()).toContain("a token in every request");
  expect(terminal.printed()).toContain("list_orders");
});
