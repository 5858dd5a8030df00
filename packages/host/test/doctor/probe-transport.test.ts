import { describe, expect, it } from "vitest";
import { probeCrossOrigin, probeTransport } from "../../src/doctor/probe-transport.ts";
import { askerOf, fixtureServer, serverUrl, type FixtureOptions } from "./fixture.ts";

const speech = { url: serverUrl, era: "2025-11-25" } as const;
const probe = (options: FixtureOptions, session?: string): ReturnType<typeof probeTransport> =>
  probeTransport(askerOf(fixtureServer(options)), session === undefined ? speech : { ...speech, session });

describe("a transport", () => {
  it("without peculiarities is told so", async () => {
    expect(await probe({})).toEqual({ stream: "refused", batch: "refused", sessionDemanded: undefined, foreignOrigin: "taken" });
  });

  it("that offers a standing stream is told so, and the stream is let go", async () => {
    const stream = (): Response => new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } });
    expect((await probe({ intercept: (request) => (request.method === "GET" ? stream() : undefined) })).stream).toBe("offered");
  });

  it("that takes lists of messages is told so", async () => {
    const lenient = fixtureServer();
    const asker = askerOf(async (request) => ((await request.clone().text()).startsWith("[") ? Response.json([]) : lenient(request)));
    expect((await probeTransport(asker, speech)).batch).toBe("taken");
  });

  it("that demands its session again is told apart from one that only gives it", async () => {
    expect((await probe({ session: "s-1" }, "s-1")).sessionDemanded).toBe(true);
    expect((await probe({}, "s-1")).sessionDemanded).toBe(false);
  });

  it("that keeps foreign pages out is told so", async () => {
    const guarded = (request: Request): Response | undefined => (request.headers.has("origin") ? new Response(null, { status: 403 }) : undefined);
    expect((await probe({ intercept: guarded })).foreignOrigin).toBe("refused");
  });
});

describe("pages of other origins", () => {
  it("are told what they may send and read", async () => {
    const exposing = (request: Request): Response | undefined =>
      request.method === "POST"
        ? new Response(null, { status: 401, headers: { "access-control-expose-headers": "WWW-Authenticate, Mcp-Session-Id" } })
        : undefined;
    expect(await probeCrossOrigin(askerOf(fixtureServer({ intercept: exposing })), serverUrl)).toEqual({
      seen: "preflight",
      allowsOrigin: true,
      allowsHeaders: ["authorization", "content-type", "mcp-protocol-version"],
      exposesHeaders: ["www-authenticate", "mcp-session-id"],
    });
  });

  it("are kept out by a server that allows nobody", async () => {
    const closed = (): Response => new Response(null, { status: 405 });
    expect(await probeCrossOrigin(askerOf(closed), serverUrl)).toEqual({
      seen: "preflight",
      allowsOrigin: false,
      allowsHeaders: [],
      exposesHeaders: [],
    });
  });
});
