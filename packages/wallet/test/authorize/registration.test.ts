import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type JsonAnswer, readAnswer } from "../peers/listen.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

const redirect = "http://127.0.0.1:4444/cb";
const dayMs = 86_400_000;
let world: World;
beforeAll(async () => {
  world = await startWorld({ openClients: { documents: "none", registration: true } });
});
afterAll(() => world.close());
afterEach(() => {
  vi.useRealTimers();
});

async function register(body: unknown, at: World = world): Promise<JsonAnswer> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) };
  return readAnswer(await fetch(`${at.url}/register`, init));
}

const editor = {
  client_name: "An editor",
  redirect_uris: [redirect],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "client_secret_post",
};

async function newClient(): Promise<string> {
  return String((await register(editor)).body["client_id"]);
}

async function firstPage(clientId: string, at: World = world): Promise<{ status: number; html: string }> {
  return at.newBrowser().open(authorizationRequest(at, { client_id: clientId, redirect_uri: redirect }).url);
}

/** Signs a new person in; gives the answer of the token endpoint. */
async function signIn(clientId: string): Promise<JsonAnswer> {
  const request = authorizationRequest(world, { client_id: clientId, redirect_uri: "http://127.0.0.1:5555/cb" });
  const fields = codeFields(await new Person(world).signUp(request), request);
  return redeem(world, { ...fields, client_id: clientId, redirect_uri: "http://127.0.0.1:5555/cb" });
}

describe("a client that registers itself", () => {
  test("becomes a public client of the code grant, and signs users in on any port of this machine", async () => {
    const answer = await register(editor);
    expect(answer).toEqual({
      status: 201,
      body: {
        client_id: expect.stringMatching(/^dcr_[A-Za-z0-9_-]{22}$/),
        client_id_issued_at: expect.any(Number),
        client_name: "An editor",
        redirect_uris: [redirect],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        application_type: "native",
        token_endpoint_auth_method: "none",
      },
    });
    expect(await signIn(String(answer.body["client_id"]))).toMatchObject({ status: 200, body: { refresh_token: expect.any(String) } });
  });

  test("O35 is shown with a warning that nobody has checked it", async () => {
    const person = new Person(world);
    const page = await person.register(
      await person.browser.open(authorizationRequest(world, { client_id: await newClient(), redirect_uri: redirect }).url),
    );
    expect(page.html).toContain("This app registered itself and runs on your device");
    expect(page.html).toContain("this device (127.0.0.1:4444)");
  });

  test("is told of in the metadata", async () => {
    const { body } = await readAnswer(await fetch(`${world.url}/.well-known/oauth-authorization-server`));
    expect(body).toMatchObject({ registration_endpoint: `${world.url}/register` });
    expect(body).not.toHaveProperty("client_id_metadata_document_supported");
  });

  test("O34 is gone after a day when nobody signed in with it, and stays when somebody did", async () => {
    const unused = await newClient();
    const used = await newClient();
    const tokens = await signIn(used);
    expect((await firstPage(unused)).status).toBe(200);
    world.clock.offsetMs += dayMs + 60_000;
    expect((await firstPage(unused)).html).toContain("not known to this wallet");
    expect((await firstPage(used)).status).toBe(200);
    world.clock.offsetMs += 20 * dayMs;
    const refresh = { grant_type: "refresh_token", client_id: used, refresh_token: String(tokens.body["refresh_token"]) };
    expect((await redeem(world, refresh)).status).toBe(200);
    world.clock.offsetMs += 91 * dayMs;
    expect((await firstPage(used)).html).toContain("not known to this wallet");
    world.clock.offsetMs = 0;
  });
});

describe("a registration that is not taken", () => {
  test.each<[string, unknown, number, string]>([
    ["to a script", { ...editor, redirect_uris: ["javascript:alert(1)"] }, 400, "invalid_redirect_uri"],
    ["to data", { ...editor, redirect_uris: ["data:text/html,x"] }, 400, "invalid_redirect_uri"],
    ["to plain http elsewhere", { ...editor, redirect_uris: ["http://evil.example/cb"] }, 400, "invalid_redirect_uri"],
    ["without redirects", { client_name: "x" }, 400, "invalid_redirect_uri"],
    ["with a script as page", { ...editor, client_uri: "javascript:alert(1)" }, 400, "invalid_client_metadata"],
    ["of other grants only", { ...editor, grant_types: ["client_credentials"] }, 400, "invalid_client_metadata"],
    [
      "with a private key",
      { ...editor, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC", d: "x" }] } },
      400,
      "invalid_client_metadata",
    ],
    ["that is a list", [editor], 400, "invalid_client_metadata"],
    ["that is no JSON", "{", 400, "invalid_request"],
    ["that is too large", { ...editor, padding: "x".repeat(20_000) }, 413, "request_too_large"],
  ])("O34 %s", async (_, body, status, error) => {
    world.clock.offsetMs += 3_600_000;
    expect(await register(body)).toMatchObject({ status, body: { error } });
  });

  test("O34 claims no client that is there, and gets no token of its own", async () => {
    const answer = await register({ ...editor, client_id: "store", grant_types: ["authorization_code", "client_credentials"] });
    const client_id = String(answer.body["client_id"]);
    expect(client_id).not.toBe("store");
    const token = await redeem(world, { grant_type: "client_credentials", client_id, scope: "payment_requests" });
    expect([token.status, token.body["access_token"]]).toEqual([400, undefined]);
  });

  test("O34 is refused with a time to wait when one address asks too often; others' clients go on", async () => {
    const bounded = await startWorld({ openClients: { documents: "none", registration: true }, rateFactor: 1 });
    vi.useFakeTimers({ toFake: ["Date"] });
    const answers: Response[] = [];
    for (let at = 0; at < 30; at += 1) {
      answers.push(
        await fetch(`${bounded.url}/register`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(editor) }),
      );
    }
    expect(new Set(answers.map((each) => each.status))).toEqual(new Set([201, 429]));
    const refused = answers.filter((each) => each.status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(8);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused[0]?.text()).not.toContain("client_id");
    expect((await firstPage("countersign-host", bounded)).status).toBe(400);
    expect((await bounded.newBrowser().open(authorizationRequest(bounded).url)).status).toBe(200);
    await bounded.close();
  });

  test("O34 nobody registers unless the operator allows it", async () => {
    const closed = await startWorld();
    const answer = await fetch(`${closed.url}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(editor),
    });
    expect(answer.status).toBe(404);
    expect(await (await fetch(`${closed.url}/.well-known/oauth-authorization-server`)).text()).not.toContain("registration_endpoint");
    await closed.close();
  });
});
