import type { AuthorizationDocument, AuthorizationServerObservation } from "@countersign/protocol/server-observation";
import { dial } from "@countersign/service/dial/dial";
import { describe, expect, it } from "vitest";
import { Asker } from "../../src/doctor/ask.ts";
import { addressesTried, probeRegistration, registeringServer, type RegisteringServer } from "../../src/doctor/probe-registration.ts";
import { startPlainProvider } from "../stand-in/plain-provider.ts";
import { askerOf, fixtureServer, issuer, registered, type FixtureOptions } from "./fixture.ts";

const judged: AuthorizationDocument = {
  clientIdMetadata: false,
  registration: true,
  registrationEndpoint: `${issuer}/register`,
  iss: true,
  authMethods: ["none"],
  deviceGrant: false,
};
const seenWith = (document: AuthorizationDocument): AuthorizationServerObservation => ({
  issuer,
  documents: [{ seen: "document", url: `${issuer}/a`, judged: document }],
});

function serverOf(document: Partial<AuthorizationDocument>): RegisteringServer {
  const server = registeringServer([seenWith({ ...judged, ...document })]);
  if (server === undefined) throw new Error("the server registers clients");
  return server;
}

interface Probed {
  readonly seen: Awaited<ReturnType<typeof probeRegistration>>;
  readonly requests: readonly Request[];
}

async function probe(register: FixtureOptions["register"], document: Partial<AuthorizationDocument> = {}): Promise<Probed> {
  const requests: Request[] = [];
  const options = register === undefined ? {} : { register };
  return { seen: await probeRegistration(askerOf(fixtureServer(options), requests), serverOf(document)), requests };
}

async function bodiesOf(requests: readonly Request[]): Promise<readonly unknown[]> {
  const made = requests.filter(({ method }) => method === "POST");
  return Promise.all(made.map((request) => request.json()));
}

describe("clients registered for a try", () => {
  it("come back to what hosts are known to come back to, to this machine, and to what nobody should take", () => {
    expect(addressesTried()).toEqual([
      "https://chatgpt.com/connector_platform_oauth_redirect",
      "https://chatgpt.com/connector/oauth/countersign-doctor",
      "https://claude.ai/api/mcp/auth_callback",
      "https://claude.com/api/mcp/auth_callback",
      "http://127.0.0.1:33418/callback",
      "http://doctor.example/callback",
    ]);
  });

  it("say who made them, ask for no more than a code, and are taken away with their own key", async () => {
    const { seen, requests } = await probe(undefined);
    expect(seen.map((each) => (each.seen === "registered" ? [each.kept, each.removed] : each.seen))).toEqual([
      ...Array.from({ length: 5 }, () => [true, true]),
      "refused",
    ]);
    const [first, , , , native] = await bodiesOf(requests);
    expect(first).toEqual({
      client_name: "Countersign doctor",
      redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      application_type: "web",
    });
    expect(native).toMatchObject({ application_type: "native" });
    const ends = requests.filter(({ method }) => method === "DELETE");
    expect(new Set(ends.map(({ url, headers }) => `${url} ${headers.get("authorization")}`))).toEqual(
      new Set([`${issuer}/register/client-1 Bearer key-of-the-client`]),
    );
  });

  it("ask for what the server has", async () => {
    const { requests } = await probe(undefined, { authMethods: ["client_secret_post"], grants: ["authorization_code"] });
    expect((await bodiesOf(requests))[0]).toMatchObject({ grant_types: ["authorization_code"], token_endpoint_auth_method: "client_secret_post" });
  });

  it("are made at the first server that registers any", () => {
    const { registrationEndpoint: _none, ...closed } = judged;
    const absent: AuthorizationServerObservation = { issuer, documents: [{ seen: "absent", url: `${issuer}/a`, status: 404 }] };
    expect(registeringServer([absent, seenWith({ ...closed, registration: false })])).toBeUndefined();
    expect(registeringServer([absent, seenWith(closed), seenWith(judged)])?.endpoint).toBe(`${issuer}/register`);
  });

  it.each([
    ["at another origin", { registration_client_uri: "https://evil.example/c", registration_access_token: "key" }],
    ["at no address", { registration_client_uri: "c/1", registration_access_token: "key" }],
    ["with a key that fits into no header", { registration_client_uri: `${issuer}/register/client-1`, registration_access_token: "k☃y" }],
    ["without a key", { registration_client_uri: `${issuer}/register/client-1` }],
    ["not at all", {}],
  ])("stay where their management is %s, and no key goes elsewhere", async (_name, management) => {
    const { seen, requests } = await probe((uri) => registered(uri, management));
    expect(seen.every((each) => each.seen === "registered" && !each.removed)).toBe(true);
    expect(requests.filter(({ method }) => method === "DELETE")).toHaveLength(0);
  });

  it("count as changed where the server wrote another address", async () => {
    const { seen } = await probe(() => registered("https://other.example/"));
    expect(seen[0]).toMatchObject({ seen: "registered", kept: false, removed: true });
  });

  it.each([
    ["a page", () => new Response("<!doctype html>", { status: 200 }), { seen: "refused", status: 200 }],
    [
      "an error",
      () => Response.json({ error: "invalid_client_metadata" }, { status: 400 }),
      { seen: "refused", status: 400, error: "invalid_client_metadata" },
    ],
    ["an error of no length", () => Response.json({ error: "x".repeat(101) }, { status: 400 }), { seen: "refused", status: 400 }],
    [
      "a redirect",
      () => new Response(null, { status: 307, headers: { location: "https://id.example/r" } }),
      { seen: "nothing", problem: "redirected" },
    ],
  ])("are refused by %s", async (_name, answer, observation) => {
    const { seen } = await probe(answer);
    expect(seen[0]).toEqual(expect.objectContaining(observation));
    expect(seen[0] !== undefined && "error" in seen[0]).toBe("error" in observation);
  });

  it("are taken by a server that nobody here has written, and gone again", async () => {
    const provider = await startPlainProvider({ clientId: "nobody", redirectUris: ["http://127.0.0.1/x"], scope: "orders:read", dpopNonce: false });
    try {
      const asker = new Asker({ dial, reach: "local", timeoutMs: 10_000, questionsMax: 20 });
      const seen = await probeRegistration(asker, serverOf({ registrationEndpoint: `${provider.issuer}/reg` }));
      expect(seen.slice(0, 5).map((each) => each.seen === "registered" && each.kept && each.removed)).toEqual([true, true, true, true, true]);
      expect(asker.asked).toBeGreaterThan(10);
    } finally {
      await provider.stop();
    }
  });
});
