import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase, type Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { createSealer } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type ApiClient, digestOfKey } from "../src/api-clients.ts";
import { createHost } from "../src/host.ts";
import type { AnyOperation } from "../src/routes/operation.ts";
import { operations } from "../src/routes/operations.ts";
import { ModelServer, words } from "./stand-in/model-server.ts";
import { type Browser, consoleOrigin, type Product, World } from "./stand-in/world.ts";

const acmeKey = "acme-0123456789abcdef0123456789abcdef";
const birchKey = "birch-0123456789abcdef0123456789abcde";
const pageOrigin = "https://chat.acme.example";
const apiClients: readonly ApiClient[] = [
  { id: "acme", name: "Acme", keyDigest: digestOfKey(acmeKey), origins: [pageOrigin] },
  { id: "birch", name: "Birch", keyDigest: digestOfKey(birchKey), origins: [pageOrigin] },
];
const view = { connectorId: "store", resourceUri: "ui://shop/view.html" };
const idShape = z.looseObject({ id: z.string() });

let world: World;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

type Asker = Pick<Product, "fetch" | "post">;

/** Ids of things of one user, by the path that they stand in. */
interface Belongings {
  readonly asker: Asker;
  readonly ids: Readonly<Record<string, string>>;
  readonly fileId: string;
}

/** Makes one of everything for a user, all of it alive. */
async function furnish(asker: Product | Browser, origin: string | undefined): Promise<Belongings> {
  const made = async (path: string, body: unknown): Promise<string> => idShape.parse(await (await asker.post(path, body)).json()).id;
  const connector = await made("/api/connectors", { url: `${world.server.url}?theirs` });
  const widget = await made("/api/widgets", { ...view, ...(origin === undefined ? {} : { pageOrigin: origin }) });
  const parked = await asker.parked((await asker.call("list_orders")).id);
  const file = await asker.fetch(`/api/widgets/${widget}/files?name=a.txt`, {
    method: "POST",
    headers: { "content-type": "text/plain", ...(origin === undefined ? { origin: consoleOrigin } : {}) },
    body: "a",
  });
  const { fileId } = z.looseObject({ fileId: z.string() }).parse(await file.json());
  // A conversation bears the id that its page gave it.
  const chat = `talk_${randomBytes(16).toString("base64url")}`;
  await asker.post("/api/chat", { conversationId: chat, message: "Mugs?" });
  await expect.poll(async () => (await asker.fetch(`/api/chat/${chat}`)).text()).toMatch(/^\{"events":\[\{.*"Two mugs\."/);
  const ids = {
    chat,
    connectors: connector,
    calls: parked.id,
    flows: parked.flow?.id ?? "",
    widgets: widget,
    popups: "pop_none",
    "view-calls": "vcl_none",
  };
  return { asker, ids, fileId };
}

/** Good bodies of the operations that read one, so that a refusal is about the id. */
const bodies: Readonly<Record<string, unknown>> = {
  changeConnector: { mode: "mixed" },
  makeLink: { account: "b" },
  noteLadder: { tool: "browse", rung: "link", outcome: "begun" },
  answerCall: { round: 1, answers: [{ action: "cancel" }] },
  openQuestion: { round: 1, item: 0 },
  agreeToTool: { tool: "browse", digest: "none" },
  answerViewCall: { result: { content: [] } },
  writeWidgetState: { state: "{}" },
  readWidgetResource: { uri: "ui://shop/view.html" },
  listWidgetResources: {},
  linkFile: { fileId: "file_none" },
  openPopup: { url: "https://a.example/" },
  sample: { messages: [{ role: "user", text: "a" }], maxTokens: 10 },
};

const withId = operations.filter((operation) => operation.path.includes(":id"));

function ask(asker: Asker, operation: AnyOperation, id: string): Promise<Response> {
  const path = operation.path.replace(":id", id);
  const body = operation.body.def.type === "undefined" ? undefined : JSON.stringify(bodies[operation.id] ?? {});
  const headers = asker instanceof Object && "cookies" in asker ? { origin: consoleOrigin } : {};
  if (operation.method === "GET") return asker.fetch(path);
  return asker.fetch(path, { method: operation.method, headers: { ...headers, "content-type": "application/json" }, body: body ?? "{}" });
}

/** An id like this one that never was. */
function unknownLike(id: string): string {
  return `${id.split("_")[0]}_${randomBytes(16).toString("base64url")}`;
}

async function answerOf(asker: Asker, operation: AnyOperation, id: string): Promise<string> {
  const response = await ask(asker, operation, id);
  const headers = [...response.headers].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([response.status, headers, (await response.text()).replaceAll(id, "<id>")]);
}

/** Everything that is stored and not this instance's own. */
async function everything(database: Database<unknown>): Promise<string> {
  const { rows } = await sql<{ kind: string }>`select * from records where kind not in ('instance', 'session') order by kind, id`.execute(
    database.sql,
  );
  return JSON.stringify(rows);
}

async function begin(database?: Database<unknown>): Promise<void> {
  const model = await ModelServer.start(words("Two mugs."), words("Two mugs."));
  world = await World.start({
    host: { apiClients, model: { baseUrl: model.baseUrl, model: "small" }, ...(database === undefined ? {} : { database }) },
  });
  opened.push(world, model);
}

async function people(): Promise<{ readonly owners: readonly Belongings[]; readonly others: readonly (readonly [string, Asker])[] }> {
  const console = world.browser();
  await console.open();
  const stranger = world.browser();
  await stranger.open();
  const owners = [await furnish(world.product(acmeKey, "ada"), pageOrigin), await furnish(console, undefined)];
  const others = [
    ["another user of the product", world.product(acmeKey, "bob")],
    ["the same name at another product", world.product(birchKey, "ada")],
    ["a user of the console", stranger],
  ] as const;
  return { owners, others };
}

describe("what belongs to a user", () => {
  it("V20 is asked for by an id in operations that are all tried here, each with a good body", () => {
    const kinds = new Set(withId.map((operation) => operation.path.split("/")[2]));
    expect([...kinds].toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
      "calls",
      "chat",
      "connectors",
      "flows",
      "popups",
      "view-calls",
      "widgets",
    ]);
    const needing = withId.filter((operation) => operation.body.def.type !== "undefined").map(({ id }) => id);
    expect(needing.toSorted()).toEqual(Object.keys(bodies).toSorted());
    expect(withId.length).toBeGreaterThanOrEqual(20);
  });

  it("V20 M03 is answered to anybody else exactly as an id that never was, in every operation, and nothing changes", async () => {
    await begin();
    const { owners, others } = await people();
    const before = await everything(world.database);
    for (const operation of withId) {
      for (const { ids } of owners) {
        const id = ids[operation.path.split("/")[2] ?? ""] ?? "";
        for (const [who, asker] of others) {
          const [theirs, unknown] = [await answerOf(asker, operation, id), await answerOf(asker, operation, unknownLike(id))];
          expect([operation.id, who, theirs]).toEqual([operation.id, who, unknown]);
          const nothing = operation.id === "readTurn" ? /^\[200,.*\{\\"events\\":\[\]\}"\]$/ : /^\[40[348]/;
          expect([operation.id, who, theirs]).toEqual([operation.id, who, expect.stringMatching(nothing)]);
        }
      }
    }
    expect(await everything(world.database)).toBe(before);
  });

  it("is found by its own user in the same operations", async () => {
    await begin();
    const { owners } = await people();
    for (const { asker, ids } of owners) {
      for (const operation of withId.filter(({ method }) => method === "GET")) {
        const kind = operation.path.split("/")[2] ?? "";
        if (kind === "popups") continue;
        expect([operation.id, (await ask(asker, operation, ids[kind] ?? "")).status]).toEqual([operation.id, 200]);
      }
    }
  });

  it("V20 is not reached by an id inside a body either", async () => {
    await begin();
    const { owners, others } = await people();
    const [owner] = owners;
    const before = await everything(world.database);
    for (const [who, asker] of others) {
      const page = who === "a user of the console" ? {} : { pageOrigin };
      const call = { tool: "browse", arguments: {}, origin: "user" };
      const bodiesWith = (connector: string, widget: string): readonly (readonly [string, unknown])[] => [
        ["/api/calls", { ...call, connectorId: connector }],
        ["/api/calls", { ...call, connectorId: "store", origin: "widget", widgetId: widget }],
        ["/api/widgets", { ...view, ...page, connectorId: connector }],
      ];
      const theirs = bodiesWith(owner?.ids["connectors"] ?? "", owner?.ids["widgets"] ?? "");
      const unknown = bodiesWith(unknownLike("con_x"), unknownLike("wdg_x"));
      for (const [index, [path, body]] of theirs.entries()) {
        const [here, there] = [await asker.post(path, body), await asker.post(path, unknown[index]?.[1])];
        expect([path, here.status, await here.text()]).toEqual([path, there.status, await there.text()]);
        expect(here.status).toBeGreaterThanOrEqual(400);
      }
    }
    expect(await everything(world.database)).toBe(before);
  });

  it("V20 files of one user's view open by no other user's view", async () => {
    await begin();
    const { owners } = await people();
    const bob = world.product(acmeKey, "bob");
    const own = idShape.parse(await (await bob.post("/api/widgets", { ...view, pageOrigin })).json()).id;
    for (const { fileId } of owners) {
      const [theirs, unknown] = [
        await bob.post(`/api/widgets/${own}/file-links`, { fileId }),
        await bob.post(`/api/widgets/${own}/file-links`, { fileId: unknownLike(fileId) }),
      ];
      expect([theirs.status, await theirs.text()]).toEqual([unknown.status, await unknown.text()]);
      expect(theirs.status).toBe(404);
    }
  });
});

/** Counts what is asked of the database, by what is asked. */
function counted(database: Database<unknown>, log: string[]): Database<unknown> {
  const records = <T>(kind: RecordKind<T>): Records<T> => {
    const plain = database.records(kind);
    return new Proxy(plain, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          log.push(`${kind.name}.${String(name)}`);
          return Reflect.apply(value, target, args);
        };
      },
    });
  };
  return new Proxy(database, {
    get: (target, name) => {
      if (name === "records") return records;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("how long an answer takes", () => {
  it("V20 says nothing: another's id and an unknown one cost the same reads, in every operation", async () => {
    const log: string[] = [];
    await begin(counted(await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] }), log));
    const [owner] = (await people()).owners;
    const bob = world.product(acmeKey, "bob");
    const reads = async (operation: AnyOperation, id: string): Promise<readonly string[]> => {
      log.length = 0;
      await ask(bob, operation, id);
      return log.filter((entry) => !/^(instance|token)\./.test(entry));
    };
    for (const operation of withId.filter(({ audience }) => audience !== "console")) {
      const id = owner?.ids[operation.path.split("/")[2] ?? ""] ?? "";
      expect([operation.id, await reads(operation, id)]).toEqual([operation.id, await reads(operation, unknownLike(id))]);
    }
  });
});

describe("events", () => {
  it("V20 of one user reach that user's streams on every instance of the host, and no other user's", async () => {
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    world = await World.start({ host: { apiClients, sealer } });
    opened.push(world);
    const second = await createHost({
      publicUrl: consoleOrigin,
      widgetOrigin: "http://{app}.localhost:4101",
      // The database is closed once, by the other one.
      database: new Proxy(world.database, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          return name === "close" ? () => Promise.resolve() : typeof value === "function" ? value.bind(target) : value;
        },
      }),
      sealer,
      apiClients,
      connectors: [{ id: "store", name: "Store", url: world.server.url }],
      clients: { [world.authorizationServer.origin]: { clientId: "countersign-host" } },
    });
    const held: Request[] = [];
    const listen = async (host: { fetch(request: Request): Promise<Response> }, key: string, user: string): Promise<() => Promise<string>> => {
      const abort = new AbortController();
      const headers = { authorization: `Bearer ${key}`, "countersign-user": user };
      const request = new Request(`${consoleOrigin}/api/events`, { headers, signal: abort.signal });
      held.push(request);
      const { body } = await host.fetch(request);
      let heard = "";
      const reading = (async () => {
        for await (const chunk of body ?? []) heard += new TextDecoder().decode(chunk);
      })();
      return async () => {
        abort.abort();
        await reading.catch(() => {});
        return heard;
      };
    };
    const strangers = await Promise.all([world.host, second].flatMap((host) => [listen(host, acmeKey, "bob"), listen(host, birchKey, "ada")]));
    const [here, there] = [await listen(world.host, acmeKey, "ada"), await listen(second, acmeKey, "ada")];
    const ada = world.product(acmeKey, "ada");
    const call = await ada.parked((await ada.call("list_orders")).id);
    await ada.post("/api/connectors", { url: `${world.server.url}?ada` });
    await ada.post(`/api/flows/${call.flow?.id}/cancel`);
    await ada.settled(call.id);
    // The stranger's own call comes last, so that what was said before it had its time.
    const bob = world.product(acmeKey, "bob");
    const last = await bob.settled((await bob.call("browse")).id);
    const hearBoth = async (): Promise<readonly string[]> => Promise.all([here(), there()]);
    await expect
      .poll(
        async () =>
          (
            await second.fetch(
              new Request(`${consoleOrigin}/api/calls/${call.id}`, { headers: { authorization: `Bearer ${acmeKey}`, "countersign-user": "ada" } }),
            )
          ).status,
      )
      .toBe(200);
    const [atFirst, atSecond] = await hearBoth();
    for (const heard of [atFirst, atSecond]) expect(heard).toContain(call.id);
    expect(atFirst).toContain(call.flow?.id ?? "none");
    const told = await Promise.all(strangers.map((stop) => stop()));
    expect(told[0]).toContain(last.id);
    for (const heard of told) {
      expect(heard).not.toContain(call.id);
      expect(heard).not.toContain(call.flow?.id ?? "none");
      expect(heard).not.toContain("?ada");
    }
    await second.close();
  });
});
