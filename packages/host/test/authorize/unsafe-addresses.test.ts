import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import type { Refusal } from "@countersign/protocol/errors";
import {
  authorizationServerMetadataUrls,
  judgeAuthorizationServer,
  judgeProtectedResource,
  type AuthorizationServer,
} from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { err, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase, type Database } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AssertionKeys } from "../../src/authorize/assertion-keys.ts";
import { ClientDocuments } from "../../src/authorize/client-document.ts";
import { Clients } from "../../src/authorize/clients.ts";
import { Discoverer } from "../../src/authorize/discovery.ts";
import { fetchDocument } from "../../src/authorize/metadata-document.ts";
import { Registrations } from "../../src/authorize/registration.ts";
import { redeemCode, renewToken, revokeToken, type TokenPeer } from "../../src/authorize/token-endpoint.ts";
import { World } from "../stand-in/world.ts";

/** The same machine and its network, in every spelling that a URL has for them. `PORT` is where something listens. */
const addresses: readonly string[] = [
  "http://127.0.0.1:PORT/x",
  "https://127.0.0.1:PORT/x",
  "http://localhost:PORT/x",
  "https://localhost:PORT/x",
  "https://app.localhost:PORT/x",
  "https://127.1:PORT/x",
  "https://2130706433:PORT/x",
  "https://0x7f.0.0.1:PORT/x",
  "https://0177.0.0.1:PORT/x",
  "https://0.0.0.0:PORT/x",
  "https://[::1]:PORT/x",
  "https://[::]:PORT/x",
  "https://[::ffff:127.0.0.1]:PORT/x",
  "https://[::127.0.0.1]:PORT/x",
  "https://[64:ff9b::7f00:1]:PORT/x",
  "https://[2002:7f00:1::]:PORT/x",
  "https://10.0.0.1/x",
  "https://172.16.0.1/x",
  "https://192.168.0.1/x",
  "https://100.64.0.1/x",
  "https://169.254.169.254/latest/meta-data",
  "https://[fe80::1]/x",
  "https://[fd00::1]/x",
];

let sink: Server;
let port = 0;
let connections = 0;
let database: Database<unknown>;

beforeEach(async () => {
  connections = 0;
  sink = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    sink.listen(0, "127.0.0.1", resolve);
  });
  const address = sink.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
});
afterEach(async () => {
  await new Promise((resolve) => sink.close(resolve));
  await database.close();
});

function here(address: string): string {
  return address.replace("PORT", String(port));
}

function valueOf<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(result.error.detail ?? result.error.code);
  return result.value;
}

const resource = valueOf(parseResourceUri("https://shop.example/mcp"));
const issuer = valueOf(parseIssuer("https://login.example"));
const owner = { resource, reach: "public" } as const;
const metadata = {
  issuer,
  authorization_endpoint: "https://login.example/authorize",
  token_endpoint: "https://login.example/token",
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["none"],
};

/** Judged metadata with one endpoint elsewhere; what the judge refuses is refused already. */
function pointing(field: string, address: string): Result<AuthorizationServer, Refusal> {
  return judgeAuthorizationServer({ ...metadata, [field]: here(address) }, issuer);
}

function parts(): { readonly discoverer: Discoverer; readonly registrations: Registrations } {
  const sealer = createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } });
  const documents = new ClientDocuments("https://console.example", undefined);
  const options = { database, sealer, documents, timeoutMs: 30_000, clock: Date.now };
  const registrations = new Registrations(options);
  const clients = new Clients({ configured: {}, keys: new AssertionKeys(options), documents, registrations });
  return { registrations, discoverer: new Discoverer({ clients, timeoutMs: 30_000, clock: Date.now }) };
}

function peerOf(server: AuthorizationServer): TokenPeer {
  return {
    origin: { holder: { userId: "usr_1", resource, issuer }, server, clientId: "c", indicator: resource },
    server,
    client: { clientId: "c", authentication: { method: "none" }, source: "configured" },
    settings: undefined,
    reach: "public",
    timeoutMs: 30_000,
    clock: Date.now,
    onClientRefused: () => Promise.resolve(),
  };
}

/** Each field that a stranger's server fills in and the host dials, and how it gets there. */
const fields: Readonly<Record<string, (address: string) => Promise<Result<unknown, Refusal>>>> = {
  resource_metadata: (address) => parts().discoverer.discover({ owner, resourceMetadata: here(address), record: () => {} }),
  authorization_servers: async (address) => {
    const { origin } = new URL(here(address));
    const judged = judgeProtectedResource({ resource, authorization_servers: [origin] }, [resource]);
    if (!judged.ok) return judged;
    const [url = ""] = authorizationServerMetadataUrls(judged.value.authorizationServers[0]);
    return fetchDocument(url, { reach: "public", timeoutMs: 30_000, unreachable: "authorization_server_unreachable" });
  },
  registration_endpoint: async (address) => {
    const server = pointing("registration_endpoint", address);
    return server.ok ? parts().registrations.register(server.value, resource, "public") : server;
  },
  "token_endpoint, with a code": async (address) => {
    const server = pointing("token_endpoint", address);
    if (!server.ok) return server;
    const callbackParameters = new URLSearchParams({ code: "c", state: "s", iss: issuer });
    const request = { callbackParameters, state: "s", redirectUri: "https://console.example/callback/x", requestedScope: new Set<string>() };
    return redeemCode(peerOf(server.value), { ...request, verifier: new Secret("v".repeat(43)), proof: undefined });
  },
  "token_endpoint, with a refresh token": async (address) => {
    const server = pointing("token_endpoint", address);
    if (!server.ok) return server;
    return renewToken(peerOf(server.value), { refreshToken: new Secret("r"), held: new Set(), proof: undefined });
  },
  revocation_endpoint: async (address) => {
    const server = pointing("revocation_endpoint", address);
    if (!server.ok) return server;
    // It tells nobody how it went; that nothing was dialled is what counts.
    await revokeToken(peerOf(server.value), new Secret("t"));
    return err({ code: "unsafe_url" });
  },
};

describe("addresses that a stranger's server names", () => {
  it.each(Object.keys(fields))("M09 %s: no address of this machine or its network is dialled", async (field) => {
    for (const address of addresses) {
      const outcome = await fields[field]?.(address);
      expect([address, outcome]).toEqual([address, { ok: false, error: expect.objectContaining({ code: "unsafe_url" }) }]);
    }
    expect(connections).toBe(0);
  });

  it("M09 the battery would find a dial: with reach to this machine, the same address is dialled", async () => {
    const outcome = await fetchDocument(here("http://127.0.0.1:PORT/x"), { reach: "local", timeoutMs: 30_000, unreachable: "server_unreachable" });
    expect(outcome).toMatchObject({ ok: false, error: { code: "server_unreachable" } });
    expect(connections).toBe(1);
  });
});

describe("addresses that a server on this machine names", () => {
  const cloud = "https://169.254.169.254/latest";

  it.each(["token_endpoint", "registration_endpoint", "revocation_endpoint", "jwks_uri"])(
    "M09 %s at the cloud's metadata service is never dialled, and jwks_uri never at all",
    async (field) => {
      const world = await World.start();
      try {
        const own = field === "jwks_uri" ? here("http://127.0.0.1:PORT/keys") : cloud;
        world.authorizationServer.behaviour.metadata = { [field]: own };
        const browser = world.browser();
        await browser.open();
        const call = await browser.parked((await browser.call("list_orders")).id);
        await browser.signIn(call.flow?.startUrl ?? "");
        const settled = await browser.settled(call.id);
        expect(settled).toMatchObject(field === "token_endpoint" ? { state: "failed", error: { code: "unsafe_url" } } : { state: "completed" });
        expect(connections).toBe(0);
      } finally {
        await world.close();
      }
    },
  );

  it("M09 resource_metadata and authorization_servers there end the call", async () => {
    const world = await World.start({ tools: { list_orders: { schemes: null, demands: ["orders:read"] } } });
    try {
      const browser = world.browser();
      await browser.open();
      world.server.prm = { authorization_servers: ["https://169.254.169.254"] };
      expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "unsafe_url" } });
      world.server.intercept = (_, method) =>
        method === "tools/call"
          ? new Response(null, { status: 401, headers: { "www-authenticate": `Bearer resource_metadata="${cloud}"` } })
          : undefined;
      expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "unsafe_url" } });
    } finally {
      await world.close();
    }
  });
});
