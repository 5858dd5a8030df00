import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase, type Database } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AssertionKeys } from "../../src/authorize/assertion-keys.ts";
import { ClientDocuments } from "../../src/authorize/client-document.ts";
import { Clients } from "../../src/authorize/clients.ts";
import { Discoverer } from "../../src/authorize/discovery.ts";
import { Flows, type FlowDemand } from "../../src/authorize/flows.ts";
import { Registrations } from "../../src/authorize/registration.ts";
import { ConnectorRegistry, type Connector } from "../../src/connectors/registry.ts";
import { Events } from "../../src/events.ts";
import { World } from "../stand-in/world.ts";

let world: World;
let database: Database<unknown>;
let flows: Flows;
let connector: Connector;
const reports: string[] = [];

beforeEach(async () => {
  world = await World.start();
  database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  const sealer = createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } });
  const clock = (): number => Date.now() + world.offsetMs;
  const documents = new ClientDocuments("http://127.0.0.1:4100", undefined);
  const registrations = new Registrations({ database, sealer, documents, timeoutMs: 60_000, clock });
  const keys = new AssertionKeys({ database, sealer, clock });
  const clients = new Clients({ configured: { [world.authorizationServer.origin]: { clientId: "c" } }, keys, documents, registrations });
  const discoverer = new Discoverer({ clients, timeoutMs: 60_000, clock });
  const events = new Events(database.signals);
  reports.length = 0;
  const report = (event: string): void => void reports.push(event);
  flows = new Flows({ database, discoverer, clients, events, audit: () => {}, report, flowMs: 600_000, clock });
  const registry = new ConnectorRegistry({ database, sealer, preconfigured: [], localAllowed: true, clock });
  const added = await registry.add("usr_1", { url: world.server.url });
  if (!added.ok) throw new Error(added.error.detail);
  connector = added.value;
});
afterEach(async () => {
  await database.close();
  await world.close();
});

function demand(attach: FlowDemand["attach"], userId = "usr_1"): FlowDemand {
  return { userId, connector, scope: new Set(["orders:read"]), resourceMetadata: undefined, record: () => {}, attach };
}

describe("a sign-in whose first call is cancelled before it waits", () => {
  it("is over when nobody else wants it", async () => {
    let begun = "";
    const joined = await flows.join(demand(async (flowId) => ((begun = flowId), false)));
    expect(joined).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect((await flows.get(begun))?.value.state).toBe("cancelled");
  });

  it("goes on for the call that has joined it", async () => {
    const other: unknown[] = [];
    await flows.join(
      demand(async () => {
        other.push(await flows.join(demand(async () => true)));
        return false;
      }),
    );
    expect(other).toMatchObject([{ ok: true, value: { state: "ready" } }]);
    const view = await flows.join(demand(async () => true));
    expect(view).toMatchObject({ ok: true, value: { id: idOf(other[0]), state: "ready" } });
  });
});

describe("an ended sign-in that cannot be told of", () => {
  it("keeps no other from being told, and is tried again", async () => {
    const told: string[] = [];
    let broken = true;
    flows.onEnded(async ({ value: { userId } }) => {
      if (userId === "usr_1" && broken) throw new Error("a row that nobody can read");
      told.push(userId);
    });
    const toldNext: string[] = [];
    flows.onEnded(async ({ value: { userId } }) => void toldNext.push(userId));
    for (const userId of ["usr_1", "usr_2"]) await flows.join(demand(async () => true, userId));
    world.offsetMs += 601_000;
    await flows.sweep(30);
    expect(told).toEqual(["usr_2"]);
    expect(new Set(toldNext)).toEqual(new Set(["usr_1", "usr_2"]));
    expect(reports).toContain("flow_not_told");
    broken = false;
    await flows.sweep(30);
    expect(told).toEqual(["usr_2", "usr_1"]);
    const reported = reports.length;
    await flows.sweep(30);
    expect(told).toHaveLength(2);
    expect(reports).toHaveLength(reported);
  });
});

function idOf(joined: unknown): unknown {
  return joined instanceof Object && "value" in joined && joined.value instanceof Object && "id" in joined.value ? joined.value.id : undefined;
}
