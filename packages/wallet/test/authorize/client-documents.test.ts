import type { RequestListener, Server } from "node:http";
import { gzipSync } from "node:zlib";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { dialPresented, fetchPresented } from "../../src/authorize/presented-fetch.ts";
import { presentedClientOffer } from "../../src/authorize/client-fetch.ts";
import { DialError } from "@countersign/service/dial/dial";
import { formOf } from "../peers/browser.ts";
import { listen, readAnswer } from "../peers/listen.ts";
import { hosts, Published } from "../peers/published.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

const published = new Published();
let world: World;
beforeAll(async () => {
  for (const each of Object.values(hosts)) published.document(each);
  world = await startWorld({ fetchPresented: published.fetch });
});
afterAll(() => world.close());

/** Signs up and allows a client's request; gives the fields that redeem its code. */
async function allow(clientId: string, redirectUri: string): Promise<Record<string, string>> {
  const request = authorizationRequest(world, { client_id: clientId, redirect_uri: redirectUri });
  const redirect = await new Person(world).signUp(request);
  expect(redirect.href.startsWith(`${redirectUri}?`)).toBe(true);
  return { ...codeFields(redirect, request), client_id: clientId, redirect_uri: redirectUri };
}

describe("a client that is known by its metadata document", () => {
  test("Claude signs a user in and renews its tokens; one fetch serves all of it", async () => {
    published.fetched.length = 0;
    const { client_id } = hosts.claude;
    const tokens = await redeem(world, await allow(client_id, "https://claude.ai/api/mcp/auth_callback"));
    expect(tokens).toMatchObject({ status: 200, body: { scope: "orders:read", refresh_token: expect.any(String) } });
    const renewed = await redeem(world, { grant_type: "refresh_token", client_id, refresh_token: String(tokens.body["refresh_token"]) });
    expect(renewed.status).toBe(200);
    expect(published.fetched).toEqual([client_id]);
  });

  test.each(["http://localhost:52163/callback", "http://127.0.0.1:52163/callback", "http://localhost/callback"])(
    "Claude Code returns to %s though its document names no port and no application_type",
    async (redirectUri) => {
      expect(await redeem(world, await allow(hosts.claudeCode.client_id, redirectUri))).toMatchObject({ status: 200 });
    },
  );

  test.each(["http://127.0.0.1:33418/", "http://127.0.0.1:60005/", "https://vscode.dev/redirect"])("VS Code returns to %s", async (redirectUri) => {
    expect(await redeem(world, await allow(hosts.vsCode.client_id, redirectUri))).toMatchObject({ status: 200 });
  });

  test("ChatGPT proves itself with its RS256 key; without the proof, and with another key, it gets nothing", async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256");
    const { privateKey: otherKey } = await generateKeyPair("RS256");
    published.json("https://chatgpt.com/oauth/jwks.json", { keys: [{ ...(await exportJWK(publicKey)), kid: "cimd-1", alg: "RS256", use: "sig" }] });
    const { client_id } = hosts.chatGpt;
    const assertion = (key: typeof privateKey): Promise<string> => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: client_id, sub: client_id, aud: world.url, jti: crypto.randomUUID(), iat: now, exp: now + 60 })
        .setProtectedHeader({ alg: "RS256", kid: "cimd-1" })
        .sign(key);
    };
    const proof = async (key: typeof privateKey): Promise<Record<string, string>> => ({
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await assertion(key),
    });
    const fields = await allow(client_id, "https://chatgpt.com/connector_platform_oauth_redirect");
    expect(await redeem(world, fields)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    expect(await redeem(world, { ...fields, ...(await proof(otherKey)) })).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    published.fetched.length = 0;
    expect(await redeem(world, { ...fields, ...(await proof(privateKey)) })).toMatchObject({ status: 200 });
    expect(published.fetched).toEqual([]);
  });

  test("the metadata says that documents are taken, and from public clients", async () => {
    const { body } = await readAnswer(await fetch(`${world.url}/.well-known/oauth-authorization-server`));
    expect(body).toMatchObject({
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["ES256", "RS256"],
    });
  });

  test.each([
    ["another path", "http://127.0.0.1:1234/other"],
    ["another host", "http://127.0.0.2:1234/callback"],
    ["https on this machine", "https://127.0.0.1:1234/callback"],
    ["its site", "https://claude.ai/callback"],
  ])("O32 %s than the document names is not returned to", async (_, redirectUri) => {
    const page = await world.newBrowser().open(authorizationRequest(world, { client_id: hosts.claudeCode.client_id, redirect_uri: redirectUri }).url);
    expect(page).toMatchObject({ status: 400, html: expect.stringContaining("has not registered") });
  });

  test("a client of documents never gets a token of its own, so it lodges no payment requests", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const client_id = "https://greedy.example/client.json";
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" }] };
    const doc = { ...hosts.claude, client_id, client_uri: "https://greedy.example", redirect_uris: ["https://greedy.example/cb"] };
    published.document({
      ...doc,
      grant_types: ["authorization_code", "client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: keys,
    } as {
      client_id: string;
    });
    const now = Math.floor(Date.now() / 1000);
    const client_assertion = await new SignJWT({ iss: client_id, sub: client_id, aud: world.url, jti: crypto.randomUUID(), iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(privateKey);
    const answer = await redeem(world, {
      grant_type: "client_credentials",
      client_id,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion,
      scope: "payment_requests",
      resource: `${world.url}/payment-requests`,
    });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: "invalid_request", error_description: expect.stringContaining("grant type is not allowed") },
    });
  });
});

describe("a document that is not taken", () => {
  const id = "https://bad.example/client.json";
  const good = { ...hosts.claude, client_id: id, client_uri: "https://bad.example", redirect_uris: ["https://bad.example/cb"] };
  const page = async (client_id: string) =>
    world.newBrowser().open(authorizationRequest(world, { client_id, redirect_uri: "https://bad.example/cb" }).url);
  let at = 0;
  /** Each case has an address of its own, for a document that was taken is kept. */
  const publish = (respond: (url: string) => Response): string => {
    at += 1;
    const url = `https://bad.example/${at}`;
    published.answer(url, () => respond(url));
    return url;
  };
  const json = (body: unknown, init: ResponseInit = {}): Response =>
    new Response(JSON.stringify(body), { headers: { "content-type": "application/json" }, ...init });

  test("the same one, good, is taken", async () => {
    expect(await page(publish((url) => json({ ...good, client_id: url })))).toMatchObject({ status: 200 });
    expect(
      await page(publish((url) => json({ ...good, client_id: url }, { headers: { "content-type": "application/client-metadata+json" } }))),
    ).toMatchObject({ status: 200 });
  });

  test.each<[string, (url: string) => Response]>([
    ["names another client", () => json(good)],
    [
      "names the address of somebody else as redirect",
      (url) => json({ ...good, client_id: url, redirect_uris: ["https://bad.example/cb", "https://claude.ai/cb"] }),
    ],
    ["has a script as logo", (url) => json({ ...good, client_id: url, logo_uri: "javascript:alert(1)" })],
    ["holds a secret", (url) => json({ ...good, client_id: url, client_secret: "s" })],
    ["is a page", (url) => new Response(JSON.stringify({ ...good, client_id: url }), { headers: { "content-type": "text/html" } })],
    ["is not there", () => json({}, { status: 404 })],
    ["is larger than 10 KB", (url) => json({ ...good, client_id: url, padding: "x".repeat(10_240) })],
    ["is larger than 64 KB", (url) => json({ ...good, client_id: url, padding: "x".repeat(70_000) })],
    [
      "is compressed though nobody asked",
      (url) => new Response(gzipSync(JSON.stringify({ ...good, client_id: url })), { headers: { "content-type": "application/json" } }),
    ],
    ["is a key set", () => json({ keys: [] })],
    ["is no JSON", () => new Response("{", { headers: { "content-type": "application/json" } })],
  ])("O32 one that %s is an unknown client, told on the wallet's page", async (_, respond) => {
    const shown = await page(publish(respond));
    expect(shown).toMatchObject({ status: 400, html: expect.stringContaining("not known to this wallet") });
    expect(shown.headers.get("location")).toBeNull();
    expect(shown.html).not.toContain("bad.example");
  });

  test("O31 neither does a wallet that takes none, or not from this host, fetch anything, nor says that it does", async () => {
    for (const documents of ["none", ["chatgpt.com"]] as const) {
      const choosy = new Published();
      for (const each of Object.values(hosts)) choosy.document(each);
      const closed = await startWorld({ fetchPresented: choosy.fetch, openClients: { documents } });
      const request = authorizationRequest(closed, { client_id: hosts.claude.client_id, redirect_uri: hosts.claude.redirect_uris[0] });
      expect((await closed.newBrowser().open(request.url)).status).toBe(400);
      expect(choosy.fetched).toEqual([]);
      const metadata = await (await fetch(`${closed.url}/.well-known/oauth-authorization-server`)).text();
      expect(metadata.includes("client_id_metadata_document_supported")).toBe(documents !== "none");
      await closed.close();
    }
  });

  test("a configured client whose id is an address is taken as configured: nothing is fetched", async () => {
    const quiet = new Published();
    const { claude } = hosts;
    const client = { ...claude, grant_types: ["authorization_code", "refresh_token"] as const, application_type: "web" as const };
    const own = await startWorld({ fetchPresented: quiet.fetch, openClients: { documents: "none" }, clients: [client] });
    const request = authorizationRequest(own, { client_id: claude.client_id, redirect_uri: claude.redirect_uris[0] });
    expect((await own.newBrowser().open(request.url)).html).toContain("Claude");
    expect(quiet.fetched).toEqual([]);
    await own.close();
  });
});

afterEach(() => {
  vi.useRealTimers();
});

test("O31 one address makes the wallet fetch only so many documents; what is kept is still served, and another time is another count", async () => {
  const many = new Published();
  many.document(hosts.claude);
  const bounded = await startWorld({ fetchPresented: many.fetch, rateFactor: 1 });
  vi.useFakeTimers({ toFake: ["Date"] });
  const open = async (client_id: string) =>
    bounded.newBrowser().open(authorizationRequest(bounded, { client_id, redirect_uri: hosts.claude.redirect_uris[0] }).url);
  expect((await open(hosts.claude.client_id)).status).toBe(200);
  for (let at = 0; at < 40; at += 1) await open(`https://many.example/${at}`);
  const before = many.fetched.length;
  expect(before).toBeLessThan(35);
  expect(before).toBeGreaterThan(10);
  expect((await open("https://many.example/next")).status).toBe(400);
  expect(many.fetched).toHaveLength(before);
  expect((await open(hosts.claude.client_id)).status).toBe(200);
  bounded.clock.offsetMs = 60_000;
  await open("https://many.example/next");
  expect(many.fetched).toHaveLength(before + 1);
  await bounded.close();
});

describe("fetching what a client published", () => {
  let server: Server | undefined;
  let hits = 0;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  /** A sink on this machine that would answer with a good document. */
  async function sink(answer: RequestListener): Promise<number> {
    hits = 0;
    const listening = await listen((request, response) => {
      hits += 1;
      answer(request, response);
    });
    server = listening.server;
    return listening.port;
  }

  test.each([
    "https://127.0.0.1",
    "https://localhost",
    "https://[::1]",
    "https://10.0.0.1",
    "https://169.254.169.254",
    "https://[2002:a00:1::]",
    "https://[::127.0.0.1]",
    "http://127.0.0.1",
  ])("O31 nothing is fetched from %s", async (origin) => {
    const port = await sink((_, response) => response.end("{}"));
    const real = await startWorld();
    const client_id = `${origin}:${port}/client.json`;
    const shown = await real.newBrowser().open(authorizationRequest(real, { client_id, redirect_uri: `${origin}:${port}/cb` }).url);
    expect(shown).toMatchObject({ status: 400, html: expect.stringContaining("not known to this wallet") });
    await expect(dialPresented()(new URL(client_id), AbortSignal.timeout(30_000))).rejects.toMatchObject({ problem: "unsafe_address" });
    expect(hits).toBe(0);
    await real.close();
  });

  const fromSink = async (answer: RequestListener, signal = AbortSignal.timeout(30_000)): Promise<string> => {
    const port = await sink(answer);
    return fetchPresented(dialPresented("local"), new URL(`http://127.0.0.1:${port}/keys`), signal, presentedClientOffer).then(
      ({ kind }) => kind,
      (error: unknown) => (error instanceof Error ? error.message : "?"),
    );
  };

  test("a key set comes as it is", async () => {
    expect(await fromSink((_, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"keys":[]}'))).toBe("key_set");
  });

  test("O31 a redirect is not followed", async () => {
    expect(await fromSink((_, response) => response.writeHead(302, { location: "/keys" }).end())).toContain("redirect");
    expect(hits).toBe(1);
  });

  test("O31 an answer without end is given up", async () => {
    const stop = new AbortController();
    const answer = fromSink((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write('{"keys":[');
      stop.abort();
    }, stop.signal);
    expect(await answer).toMatch(/cancelled|aborted/);
  });

  test("O31 10 MB are not read", async () => {
    const answer = await fromSink((_, response) => {
      response.on("error", () => {});
      response.writeHead(200, { "content-type": "application/json" }).end("x".repeat(10_000_000));
    });
    expect(answer).toContain("larger");
  });

  test("O31 a compressed bomb is not unpacked", async () => {
    const bomb = gzipSync(JSON.stringify({ keys: ["x".repeat(5_000_000)] }));
    const answer = await fromSink((_, response) =>
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb),
    );
    expect(answer).not.toBe("key_set");
  });
});

describe("when the server that a document comes from", () => {
  const { client_id, redirect_uris } = hosts.claude;
  const ofClaude = { client_id, redirect_uri: redirect_uris[0] };
  const away = (): Response => {
    throw new DialError("unreachable", "no route", false);
  };
  const expectUnknown = (shown: { readonly status: number; readonly html: string }): void =>
    expect(shown).toMatchObject({ status: 400, html: expect.stringContaining("not known to this wallet") });

  /** A wallet that Claude is known to, and how to let time pass, for the wallet and for what it remembers. */
  async function startKnowing() {
    const pages = new Published();
    pages.document(hosts.claude);
    const knowing = await startWorld({ fetchPresented: pages.fetch });
    vi.useFakeTimers({ toFake: ["Date"] });
    const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000);
    const request = authorizationRequest(knowing, ofClaude);
    return { pages, knowing, pass, request, person: new Person(knowing) };
  }

  test("is there, a person may think for longer than the document is kept", async () => {
    const { pages, knowing, pass, request, person } = await startKnowing();
    const signIn = await person.browser.open(request.url);
    pass(61);
    expect((await person.browser.open(signIn.url)).html).toContain("Claude");
    const consent = await person.register(signIn);
    pass(61);
    const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    expect(await redeem(knowing, { ...codeFields(redirect, request), ...ofClaude })).toMatchObject({ status: 200 });
    expect(pages.fetched.length).toBeGreaterThan(1);
    await knowing.close();
  });

  test.each([
    ["cannot be reached", away],
    ["is overloaded", () => new Response("", { status: 503 })],
  ])("%s, what was begun comes to its end and tokens are renewed and revoked; nothing begins", async (_, respond) => {
    const { pages, knowing, pass, request, person } = await startKnowing();
    const signIn = await person.browser.open(request.url);
    pages.answer(client_id, respond);
    pass(61);
    const consent = await person.register(signIn);
    pass(61);
    const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    pass(30);
    const tokens = await redeem(knowing, { ...codeFields(redirect, request), ...ofClaude });
    expect(tokens).toMatchObject({ status: 200 });
    // Also while the token endpoint still knows it.
    expectUnknown(await knowing.newBrowser().open(authorizationRequest(knowing, ofClaude).url));
    pass(6 * 24 * 3_600);
    const renewed = await redeem(knowing, { grant_type: "refresh_token", client_id, refresh_token: String(tokens.body["refresh_token"]) });
    expect(renewed).toMatchObject({ status: 200 });
    const revoked = await fetch(`${knowing.url}/revoke`, { method: "POST", body: new URLSearchParams({ client_id, token: "gone" }) });
    expect(revoked.status).toBe(200);
    const renew = (): Promise<unknown> =>
      redeem(knowing, { grant_type: "refresh_token", client_id, refresh_token: String(renewed.body["refresh_token"]) });
    pass(2 * 24 * 3_600);
    expect(await renew()).toMatchObject({ status: 400, body: { error: "invalid_client" } });
    pages.document(hosts.claude);
    pass(6);
    expect(await renew()).toMatchObject({ status: 200 });
    expect((await knowing.newBrowser().open(authorizationRequest(knowing, ofClaude).url)).status).toBe(200);
    await knowing.close();
  });

  test("is there but that of its keys is away, tokens are renewed by the keys of before, and nothing is pushed by them", async () => {
    const { chatGpt } = hosts;
    const { privateKey, publicKey } = await generateKeyPair("RS256");
    const pages = new Published();
    pages.document(chatGpt);
    pages.json(chatGpt.jwks_uri, { keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "RS256", use: "sig" }] });
    const knowing = await startWorld({ fetchPresented: pages.fetch });
    vi.useFakeTimers({ toFake: ["Date"] });
    const proof = async () => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: chatGpt.client_id, sub: chatGpt.client_id, aud: knowing.url, jti: crypto.randomUUID(), iat: now, exp: now + 60 };
      return {
        client_id: chatGpt.client_id,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k" }).sign(privateKey),
      };
    };
    const ofChatGpt = { client_id: chatGpt.client_id, redirect_uri: chatGpt.redirect_uris[0] };
    const push = async () => {
      const fields = Object.fromEntries(new URL(authorizationRequest(knowing, ofChatGpt).url).searchParams);
      return readAnswer(await fetch(`${knowing.url}/par`, { method: "POST", body: new URLSearchParams({ ...fields, ...(await proof()) }) }));
    };
    const request = authorizationRequest(knowing, ofChatGpt);
    const redirect = await new Person(knowing).signUp(request);
    const tokens = await redeem(knowing, { ...codeFields(redirect, request), ...ofChatGpt, ...(await proof()) });
    expect([tokens.status, (await push()).status]).toEqual([200, 201]);
    pages.answer(chatGpt.jwks_uri, away);
    vi.setSystemTime(Date.now() + 3 * 3_600_000);
    expect(await push()).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    const fields = { grant_type: "refresh_token", refresh_token: String(tokens.body["refresh_token"]), ...(await proof()) };
    expect(await redeem(knowing, fields)).toMatchObject({ status: 200 });
    await knowing.close();
  });

  test.each([
    ["has it no longer", () => new Response("gone", { status: 410 })],
    ["gives another client's", () => Response.json({ ...hosts.claude, client_id: "https://claude.ai/other" })],
  ])("%s, the client is gone at once, also where it was begun, and also when the server goes away next", async (_, respond) => {
    const { pages, knowing, pass, request, person } = await startKnowing();
    const redirect = await person.signUp(request);
    const tokens = await redeem(knowing, { ...codeFields(redirect, request), ...ofClaude });
    const other = await knowing.newBrowser().open(authorizationRequest(knowing, ofClaude).url);
    pages.answer(client_id, respond);
    pass(61);
    const renew = (): Promise<unknown> =>
      redeem(knowing, { grant_type: "refresh_token", client_id, refresh_token: String(tokens.body["refresh_token"]) });
    expect(await renew()).toMatchObject({ status: 400, body: { error: "invalid_client" } });
    pages.answer(client_id, away);
    pass(61);
    expect(await renew()).toMatchObject({ status: 400, body: { error: "invalid_client" } });
    expect((await person.browser.open(other.url)).status).not.toBe(500);
    await knowing.close();
  });
});
