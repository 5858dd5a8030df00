import { defaultProfile } from "@countersign/protocol/host-profile";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { expect, it } from "vitest";
import { AssertionKeys } from "../../src/authorize/assertion-keys.ts";
import { ClientDocuments } from "../../src/authorize/client-document.ts";
import { Clients } from "../../src/authorize/clients.ts";
import { Peers } from "../../src/authorize/peers.ts";
import { Registrations } from "../../src/authorize/registration.ts";
import { Connectors } from "../../src/connectors.ts";
import { Profiles } from "../../src/profiles.ts";
import { ConnectorRegistry } from "../../src/connectors/registry.ts";
import { hostLimits } from "../../src/options.ts";
import { Vault } from "../../src/vault.ts";
import { EraServer } from "../stand-in/era-server.ts";

const clock = Date.now;
const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });

it("a call of a user who was not heard of for long still ends in its result when a thousand others come", async () => {
  const server = await new EraServer("2025-11-25").start();
  const database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  const preconfigured = [{ id: "store", name: "Store", url: server.url.href }];
  const registry = new ConnectorRegistry({ database, sealer, preconfigured, localAllowed: true, clock });
  const documents = new ClientDocuments("http://127.0.0.1:1", undefined);
  const registrations = new Registrations({ database, sealer, documents, timeoutMs: 60_000, clock });
  const clients = new Clients({ configured: {}, keys: new AssertionKeys({ database, sealer, clock }), documents, registrations });
  const vault = new Vault({ database, sealer, clock, peers: new Peers({ clients, connectors: registry, timeoutMs: 60_000, clock }) });
  const connectors = new Connectors({ database, registry, vault, profiles: new Profiles(database, clock), limits: hostLimits, clock });
  try {
    const found = await registry.find("usr_0", "store");
    if (!found.ok) throw new Error(found.error.code);
    const connection = connectors.connection("usr_0", found.value, defaultProfile);
    const tools = await connection.tools(60_000);
    const tool = tools.ok ? tools.value.get("echo") : undefined;
    if (tool === undefined) throw new Error("no tool");
    const running = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    server.behaviour.run = async () => {
      running.resolve();
      await ended.promise;
      return { content: [] };
    };
    const outcome = connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", signal: new AbortController().signal });
    await running.promise;
    for (let user = 1; user <= 1000; user += 1) connectors.connection(`usr_${user}`, found.value, defaultProfile);
    expect(connectors.connection("usr_0", found.value, defaultProfile)).not.toBe(connection);
    // A request of another connection has gone there and back before the call may end.
    await connectors.connection("usr_1", found.value, defaultProfile).tools(0);
    ended.resolve();
    expect(await outcome).toMatchObject({ kind: "result" });
  } finally {
    await connectors.close();
    await server.close();
    await database.close();
  }
});
