import { describe, expect, it } from "vitest";
import { endSessions, probeEras } from "../../src/doctor/probe-eras.ts";
import { askerOf, challenge, fixtureServer, rpc, serverUrl, type FixtureOptions } from "./fixture.ts";

const probe = (options: FixtureOptions, seen: Request[] = []): ReturnType<typeof probeEras> =>
  probeEras(askerOf(fixtureServer(options), seen), serverUrl);

describe("the eras of a server", () => {
  it("are asked for one by one, each as a client that knows only this one", async () => {
    const { eras, speech, opened } = await probe({});
    expect(eras).toEqual({
      "2026-07-28": { seen: "spoken", session: false, body: "json", capabilities: ["tools", "resources"] },
      "2025-11-25": { seen: "spoken", session: false, body: "json", capabilities: ["tools"] },
      "2025-06-18": { seen: "spoken", session: false, body: "json", capabilities: ["tools"] },
      "2025-03-26": { seen: "other_version", version: "2025-06-18" },
      "2024-11-05": { seen: "other_version", version: "2025-06-18" },
      "HTTP+SSE": { seen: "refused", status: 405 },
    });
    expect(speech).toEqual({ url: serverUrl, era: "2026-07-28" });
    expect(opened.map(({ era }) => era)).toEqual(["2026-07-28", "2025-11-25", "2025-06-18"]);
  });

  it("are read from answers on an event stream that stays open", async () => {
    const { eras } = await probe({ events: true });
    expect(eras["2026-07-28"]).toMatchObject({ seen: "spoken", body: "events" });
    expect(eras["2025-11-25"]).toMatchObject({ seen: "spoken", body: "events" });
  });

  it("that a server does not know are told with what it offers instead", async () => {
    const { eras, speech } = await probe({ eras: ["2025-06-18"] });
    expect(eras["2026-07-28"]).toEqual({ seen: "refused", status: 400, code: -32022 });
    expect(eras["2025-11-25"]).toEqual({ seen: "other_version", version: "2025-06-18" });
    expect(speech?.era).toBe("2025-06-18");
  });

  it("do not count as spoken when discovery leaves the version out", async () => {
    const { eras, speech } = await probe({
      intercept: (request) =>
        request.headers.get("mcp-method") === "server/discover"
          ? rpc({ id: 1, method: "server/discover" }, { supportedVersions: ["2027-01-01"], capabilities: {} })
          : undefined,
    });
    expect(eras["2026-07-28"]).toEqual({ seen: "other_version", version: "2027-01-01" });
    expect(speech?.era).toBe("2025-11-25");
  });

  it("of a server that lets nobody in are challenged, and there is no way to speak", async () => {
    const { eras, speech } = await probe({ intercept: () => challenge(401) });
    const seen = {
      seen: "challenged",
      challenge: {
        status: 401,
        header: "bearer",
        scope: ["orders:read"],
        resourceMetadata: "https://shop.example/.well-known/oauth-protected-resource/mcp",
      },
    };
    expect(eras["2026-07-28"]).toEqual(seen);
    expect(eras["HTTP+SSE"]).toEqual(seen);
    expect(speech).toBeUndefined();
  });

  it.each([
    ["no header", undefined, "none"],
    ["another scheme", "Basic realm=x", "other"],
    ["a header outside the grammar", 'Bearer scope="', "unreadable"],
    ["DPoP alone", 'DPoP algs="ES256"', "dpop"],
  ])("tell a 401 with %s apart", async (_name, value, header) => {
    const response = (): Response => (value === undefined ? new Response(null, { status: 401 }) : challenge(401, value));
    const { eras } = await probe({ intercept: response });
    expect(eras["2025-11-25"]).toMatchObject({ seen: "challenged", challenge: { status: 401, header } });
  });

  it("of a page for people are unreadable", async () => {
    const { eras, speech } = await probe({ intercept: () => new Response("<html>", { headers: { "content-type": "text/html; charset=utf-8" } }) });
    expect(eras["2026-07-28"]).toEqual({ seen: "unreadable", status: 200, contentType: "text/html" });
    expect(speech).toBeUndefined();
  });

  it("include the old transport where a GET gives a stream", async () => {
    const stream = (): Response => new Response("event: endpoint\n", { headers: { "content-type": "text/event-stream" } });
    const { eras } = await probe({ intercept: (request) => (request.method === "GET" ? stream() : new Response(null, { status: 404 })) });
    expect(eras["HTTP+SSE"].seen).toBe("spoken");
    expect(eras["2025-11-25"]).toMatchObject({ seen: "unreadable", status: 404 });
  });

  it("give a session that is used from then on and ended when the doctor leaves", async () => {
    const requests: Request[] = [];
    const handler = fixtureServer({ session: "s-1", eras: ["2025-11-25"] });
    const asker = askerOf(handler, requests);
    const { eras, speech, sessions } = await probeEras(asker, serverUrl);
    expect(eras["2025-11-25"]).toMatchObject({ seen: "spoken", session: true });
    expect(speech?.session).toBe("s-1");
    await endSessions(asker, serverUrl, sessions);
    const ends = requests.filter(({ method }) => method === "DELETE");
    // One of each revision that was tried: a server that answers with another one has begun a session all the same.
    expect(eras["2025-06-18"].seen).toBe("other_version");
    expect(ends.map(({ headers }) => headers.get("mcp-session-id"))).toEqual(["s-1", "s-1", "s-1", "s-1"]);
    expect(new Set(ends.map(({ headers }) => headers.get("mcp-protocol-version")))).toEqual(new Set(["2025-11-25"]));
  });

  it("do not include the old transport where a GET gives a stream of another kind", async () => {
    const stream = (): Response => new Response('event: message\ndata: {"method":"a"}\n\n', { headers: { "content-type": "text/event-stream" } });
    const { eras } = await probe({ intercept: (request) => (request.method === "GET" ? stream() : undefined) });
    expect(eras["HTTP+SSE"].seen).toBe("refused");
  });
});
