import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { formOf } from "../peers/browser.ts";
import { type JsonAnswer, readAnswer } from "../peers/listen.ts";
import { Prover } from "../peers/proofs.ts";
import { type AuthorizationRequest, authorizationRequest, codeFields, hostRedirect, Person, redeem, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  vi.useRealTimers();
  world.clock.offsetMs = 0;
});

async function push(request: AuthorizationRequest, changes: Readonly<Record<string, string>> = {}): Promise<JsonAnswer> {
  const body = new URLSearchParams({ ...Object.fromEntries(new URL(request.url).searchParams), ...changes });
  return readAnswer(await fetch(`${world.url}/par`, { method: "POST", body }));
}

function pushedUrl(requestUri: unknown, changes: Readonly<Record<string, string>> = {}): string {
  return `${world.url}/authorize?${new URLSearchParams({ client_id: "countersign-host", request_uri: String(requestUri), ...changes }).toString()}`;
}

async function pushed() {
  const request = authorizationRequest(world);
  const { body } = await push(request);
  return { request, requestUri: body["request_uri"] };
}

/** The error of a page or redirect that refuses. */
async function refusal(url: string): Promise<{ readonly status: number; readonly error: string | null; readonly location: string | null }> {
  const response = await fetch(url, { redirect: "manual", headers: { accept: "text/html" } });
  const location = response.headers.get("location");
  await response.body?.cancel();
  return { status: response.status, location, error: location === null ? null : new URL(location, world.url).searchParams.get("error") };
}

describe("a pushed authorization request (RFC 9126)", () => {
  test("opens the pages that it describes, for a minute, and ends with a code", async () => {
    const request = authorizationRequest(world);
    const answer = await push(request);
    expect(answer).toMatchObject({
      status: 201,
      body: { expires_in: 60, request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:/) },
    });
    const redirect = await new Person(world).signUp({ ...request, url: pushedUrl(answer.body["request_uri"]) });
    expect(redirect.searchParams.get("state")).toBe(request.state);
    expect((await redeem(world, codeFields(redirect, request))).status).toBe(200);
  });

  test("O30 what the address says beside it counts for nothing", async () => {
    const { request, requestUri } = await pushed();
    const url = pushedUrl(requestUri, {
      scope: "orders:read orders:write",
      state: "other",
      redirect_uri: "https://evil.example/",
      code_challenge: "x",
    });
    const person = new Person(world);
    const consent = await person.register(await person.browser.open(url));
    expect(consent.html).not.toContain("Change your orders");
    const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    expect(redirect.href.startsWith(`${hostRedirect}?`)).toBe(true);
    expect(redirect.searchParams.get("state")).toBe(request.state);
  });

  test("O30 is used once: after its end it opens nothing", async () => {
    const { request, requestUri } = await pushed();
    const url = pushedUrl(requestUri);
    await new Person(world).signUp({ ...request, url });
    for (const again of [url, pushedUrl(requestUri, { prompt: "none" })]) {
      expect(await refusal(again)).toMatchObject({ status: 400, location: null });
    }
  });

  test("O30 two pages of one request give one code, however late they end", async () => {
    const { request, requestUri } = await pushed();
    const people = [new Person(world), new Person(world)];
    const consents = await Promise.all(people.map(async (person) => person.register(await person.browser.open(pushedUrl(requestUri)))));
    world.clock.offsetMs = 90_000;
    const ends = await Promise.all(consents.map(async (page, index) => people[index]?.browser.submit(formOf(page.html, "/consent"))));
    const codes = ends.map((each) => new URL(each?.url ?? "").searchParams.get("code"));
    expect(codes.filter((code) => code !== null)).toHaveLength(1);
    const lost = ends.find((each) => !new URL(each?.url ?? "").searchParams.has("code"));
    expect(new URL(lost?.url ?? "").searchParams.get("error")).toBe("invalid_request_uri");
    expect(request.state).not.toBe("");
  });

  test("O30 is another client's for nobody", async () => {
    const { requestUri, request } = await pushed();
    expect(await refusal(pushedUrl(requestUri, { client_id: "web-app" }))).toMatchObject({ status: 400, location: null });
    const own = pushedUrl(requestUri, { client_id: "web-app", redirect_uri: "https://app.example/cb" });
    expect(new URL((await refusal(own)).location ?? "").searchParams.has("code")).toBe(false);
    expect((await new Person(world).signUp({ ...request, url: pushedUrl(requestUri) })).searchParams.has("code")).toBe(true);
  });

  test("O30 opens nothing after a minute", async () => {
    const { requestUri } = await pushed();
    expect(await refusal(pushedUrl(requestUri))).toMatchObject({ status: 303, location: expect.stringContaining("/interaction/") });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect(await refusal(pushedUrl(requestUri))).toMatchObject({ status: 400, location: null });
  });

  test.each([
    "urn:ietf:params:oauth:request_uri:unknown",
    "https://app.example/request.jwt",
    "urn:ietf:params:oauth:request_uri:",
    "x".repeat(3_000),
  ])("O30 a request_uri that is none (%s) opens nothing, and nothing is fetched", async (uri) => {
    expect(await refusal(pushedUrl(uri))).toMatchObject({ status: 400, location: null });
  });

  test("without scope asks for the ordinary scopes of its resource", async () => {
    const request = authorizationRequest(world, { scope: undefined });
    const { body } = await push(request);
    const person = new Person(world);
    const consent = await person.register(await person.browser.open(pushedUrl(body["request_uri"])));
    expect(consent.html).toContain("Change your orders");
    const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    expect(await redeem(world, codeFields(redirect, request))).toMatchObject({ status: 200, body: { scope: "orders:read orders:write" } });
  });

  test("is refused when it is pushed as it would be refused at the page", async () => {
    const request = authorizationRequest(world);
    expect(await push(request, { code_challenge_method: "plain" })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await push(request, { redirect_uri: "https://evil.example/" })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await push(request, { resource: "http://127.0.0.1:9/mcp" })).toMatchObject({ status: 400, body: { error: "invalid_target" } });
    expect(await push(request, { response_mode: "fragment" })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await push(request, { request_uri: "urn:ietf:params:oauth:request_uri:x" })).toMatchObject({
      status: 400,
      body: { error: "request_uri_not_supported" },
    });
    expect(await push(request, { client_id: "store" })).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  });

  test("O21 one that was pushed with a proof gives a code for that key alone", async () => {
    const prover = await Prover.make();
    const request = authorizationRequest(world);
    const fields = Object.fromEntries(new URL(request.url).searchParams);
    const answer = await prover.post(`${world.url}/par`, fields);
    expect(answer.status).toBe(201);
    const redirect = await new Person(world).signUp({ ...request, url: pushedUrl(answer.body["request_uri"]) });
    const plain = await redeem(world, codeFields(redirect, request));
    expect(plain).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    const second = await prover.post(`${world.url}/par`, fields);
    const good = await new Person(world).signUp({ ...request, url: pushedUrl(second.body["request_uri"]) });
    const tokens = await prover.post(`${world.url}/token`, { client_id: "countersign-host", ...codeFields(good, request) });
    expect(tokens).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
  });
});
