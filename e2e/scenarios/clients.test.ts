import { request as sendRaw } from "node:http";
import { type SignedUp, signUp } from "@countersign/wallet/testing/sign-up";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type CallResult, independentClients, type IndependentClient, type Send } from "../stack/independent-client.ts";
import { kioskDescription, makeKiosk } from "../stack/kiosk.ts";
import { redirectUrl, runExample, type RunningExample } from "../stack/run-example.ts";

let running: RunningExample;
beforeAll(async () => {
  running = await runExample(kioskDescription, makeKiosk);
});
afterAll(() => running?.stop());

/** A server, as far as its clients' stories differ from another's. */
interface Target {
  readonly url: () => string;
  readonly tools: { readonly listed: readonly string[]; readonly unlisted: string };
  /** For anyone. */
  readonly open: { readonly tool: string; readonly content: unknown };
  /** For whoever has the scope. */
  readonly guarded: { readonly tool: string; readonly scope: string };
  /** Makes what can be paid, and says how. */
  readonly order: (client: IndependentClient) => Promise<{ readonly tool: string; readonly args: Readonly<Record<string, unknown>> }>;
}

const targets: Readonly<Record<string, Target>> = {
  "the store": {
    url: () => `${running.stack.urls.store}/mcp`,
    tools: { listed: ["browse_products", "pay", "list_orders"], unlisted: "List_orders" },
    open: { tool: "browse_products", content: { products: expect.any(Array) } },
    guarded: { tool: "list_orders", scope: "orders:read" },
    order: async (client) => {
      const { content } = await client.call("create_checkout", { items: [{ product_id: await firstProduct(client), quantity: 1 }] });
      const { checkout } = z.object({ checkout: z.object({ id: z.string() }) }).parse(content);
      return { tool: "pay", args: { checkout_id: checkout.id } };
    },
  },
  "a protected server": {
    url: () => running.app.resource,
    tools: { listed: ["browse", "pay", "orders"], unlisted: "ledger" },
    open: { tool: "browse", content: { shows: ["Macbeth"], knowsYou: false } },
    guarded: { tool: "orders", scope: "orders:read" },
    order: async (client) => ({ tool: "pay", args: z.object({ id: z.string() }).parse((await client.call("reserve", {})).content) }),
  },
};

async function firstProduct(client: IndependentClient): Promise<string> {
  const { content } = await client.call("browse_products", { limit: 1 });
  return z.object({ products: z.array(z.object({ id: z.string() })).length(1) }).parse(content).products[0]?.id ?? "";
}

/** What a server said when it turned a request away. */
interface Challenge {
  readonly status: number;
  readonly scope: string | undefined;
  readonly error: string | undefined;
  readonly metadata: string | undefined;
}

/** A client, what its server said to it, and the person who sits at it. */
class Seat {
  readonly challenges: Challenge[] = [];
  readonly #url: string;
  readonly #lies: Readonly<Record<string, string>>;
  #client: IndependentClient | undefined;
  #person: SignedUp | undefined;

  private constructor(url: string, lies: Readonly<Record<string, string>>) {
    this.#url = url;
    this.#lies = lies;
  }

  static async take(clientName: string, url: string, lies: Readonly<Record<string, string>> = {}): Promise<Seat> {
    const connect = independentClients[clientName];
    if (connect === undefined) throw new TypeError(`there is no ${clientName}`);
    const seat = new Seat(url, lies);
    seat.#client = await connect(url, redirectUrl, seat.#send);
    closing.push(seat.client);
    return seat;
  }

  get client(): IndependentClient {
    if (this.#client === undefined) throw new TypeError("nobody sits here yet");
    return this.#client;
  }

  readonly #send: Send = async (url, init) => {
    const headers = new Headers(init?.headers);
    const isOwn = new URL(url).origin === new URL(this.#url).origin;
    for (const [name, value] of isOwn ? Object.entries(this.#lies) : []) headers.set(name, value);
    const response = await fetch(url, { ...init, headers });
    const challenge = response.headers.get("www-authenticate") ?? "";
    const parameter = (name: string): string | undefined => new RegExp(`\\b${name}="([^"]*)"`).exec(challenge)?.[1];
    if (isOwn && (response.status === 401 || response.status === 403)) {
      const { status } = response;
      this.challenges.push({ status, scope: parameter("scope"), error: parameter("error"), metadata: parameter("resource_metadata") });
    }
    return response;
  };

  /** Sends a request; the person says yes to whatever it needs, and the very same one is sent again. */
  async agree<Answer>(how: "allow" | "approve", send: (client: IndependentClient) => Promise<Answer>): Promise<Answer> {
    const before = this.client.opened.length;
    try {
      return await send(this.client);
    } catch (error) {
      const url = this.client.opened[before];
      if (url === undefined) throw error;
      expect(url.origin).toBe(running.stack.urls.wallet);
      this.#person ??= await signUp(running.stack.urls.wallet, url.href);
      await this.client.finish(await this.#person[how](url.href));
    }
    return await send(this.client);
  }

  call(tool: string, args: Readonly<Record<string, unknown>> = {}): Promise<CallResult> {
    return this.client.call(tool, args);
  }
}

const closing: IndependentClient[] = [];
afterEach(async () => {
  for (const client of closing.splice(0)) await client.close();
});

/** Where RFC 9728 section 3.1 puts a resource's metadata. */
function metadataOf(url: string): string {
  return `${new URL(url).origin}/.well-known/oauth-protected-resource/mcp`;
}

const cells = Object.keys(targets).flatMap((target) => Object.keys(independentClients).map((client) => [client, target] as const));

describe.each(cells)("%s at %s", (clientName, targetName) => {
  const target = targets[targetName];
  if (target === undefined) throw new TypeError(targetName);
  const { open, guarded, tools } = target;
  let url: string;
  beforeEach(() => {
    url = target.url();
  });

  it("is served as anybody, is told where and for what to sign in, and its same call goes on", async () => {
    const seat = await Seat.take(clientName, url);
    const listed = await seat.client.listTools();
    expect(listed).toEqual(expect.arrayContaining([...tools.listed]));
    expect(listed).not.toContain(tools.unlisted);
    expect(await seat.call(open.tool)).toMatchObject({ isError: false, content: open.content });
    expect(seat.challenges).toEqual([]);
    expect(seat.client.opened).toEqual([]);

    expect(await seat.agree("allow", (client) => client.call(guarded.tool, {}))).toEqual({ isError: false, content: { orders: [] } });
    expect(seat.challenges).toEqual([{ status: 401, scope: guarded.scope, error: undefined, metadata: metadataOf(url) }]);
    expect(seat.client.opened.map((asked) => asked.searchParams.get("resource"))).toEqual([url]);
    expect(await seat.call(guarded.tool)).toEqual({ isError: false, content: { orders: [] } });
    expect(seat.challenges).toHaveLength(1);
  });

  it("pays once for one approval, and steps up from the token of the payment; with less than a tool could use it is served as anybody is", async () => {
    const seat = await Seat.take(clientName, url);
    const { tool, args } = await target.order(seat.client);
    const paid = await seat.agree("approve", (client) => client.call(tool, args));
    const { order } = z.object({ order: z.object({ id: z.string() }) }).parse(paid.content);
    expect(seat.challenges).toEqual([{ status: 401, scope: expect.stringMatching(/^payment:\S+$/), error: undefined, metadata: metadataOf(url) }]);
    expect(await seat.call(tool, args)).toEqual(paid);

    expect(await seat.call(open.tool)).toMatchObject({ isError: false, content: open.content });
    expect(seat.challenges).toHaveLength(1);

    const orders = await seat.agree("allow", (client) => client.call(guarded.tool, {}));
    expect(orders).toMatchObject({ isError: false, content: { orders: [expect.objectContaining({ id: order.id })] } });
    expect(seat.challenges.slice(1)).toEqual([{ status: 403, scope: guarded.scope, error: "insufficient_scope", metadata: metadataOf(url) }]);
  });

  it("O23 O25 is refused with a bad token, a good one for another server too, on what anyone may use as well", async () => {
    const { wallet } = running.stack.urls;
    const elsewhere = Object.values(targets).find((each) => each !== target);
    const other = await Seat.take(clientName, elsewhere?.url() ?? "");
    await other.agree("allow", (client) => client.call(elsewhere?.guarded.tool ?? "", {}));
    const seat = await Seat.take(clientName, url);
    for (const bad of ["forged", (await other.client.token()) ?? ""]) {
      await seat.client.hold(undefined, wallet);
      expect(await seat.call(open.tool)).toMatchObject({ isError: false });
      await seat.client.hold(bad, wallet);
      await expect(seat.call(open.tool)).rejects.toThrow();
      expect(seat.challenges.splice(0)).toEqual([expect.objectContaining({ status: 401, error: "invalid_token", metadata: metadataOf(url) })]);
    }
  });

  it("M01 hears of no address that a forwarded header names", async () => {
    const lies = {
      "x-forwarded-host": "evil.test",
      "x-forwarded-proto": "https",
      forwarded: "host=evil.test;proto=https",
      "x-original-host": "evil.test",
    };
    const seat = await Seat.take(clientName, url, lies);
    expect(await seat.agree("allow", (client) => client.call(guarded.tool, {}))).toMatchObject({ isError: false });
    expect(seat.challenges.map(({ metadata }) => metadata)).toEqual([metadataOf(url)]);
    expect(seat.client.opened.map((asked) => asked.searchParams.get("resource"))).toEqual([url]);
  });
});

describe.each(Object.keys(independentClients))("%s at a server with tools for anyone", (clientName) => {
  it("M08 is not let into a resource or a prompt by them, until its user has agreed", async () => {
    const seat = await Seat.take(clientName, running.app.resource);
    expect(await seat.call("browse")).toMatchObject({ isError: false });
    expect(await seat.client.getPrompt("greet")).toContain("greet");
    const told = { status: 401, scope: "orders:read", metadata: metadataOf(running.app.resource) };
    await expect(seat.client.getPrompt("summary")).rejects.toThrow();
    await expect(seat.client.readResource("orders://recent")).rejects.toThrow();
    expect(seat.challenges.splice(0)).toMatchObject([told, told]);
    expect(await seat.agree("allow", (client) => client.readResource("orders://recent"))).toMatch(/orders of usr_/);
    expect(await seat.client.getPrompt("summary")).toContain("summary");
    expect(seat.challenges).toMatchObject([told]);
  });

  it("M08 runs no tool by another spelling, and reaches nothing that is not offered", async () => {
    for (const { url, guarded, tools } of Object.values(targets)) {
      const seat = await Seat.take(clientName, url());
      for (const name of [tools.unlisted, `${guarded.tool} `, guarded.tool.toUpperCase()]) {
        const outcome = await seat.call(name).then(
          (result) => (result.isError ? "refused" : JSON.stringify(result)),
          () => "refused",
        );
        expect([name, outcome]).toEqual([name, "refused"]);
      }
      await expect(seat.client.getPrompt("takings")).rejects.toThrow();
      await expect(seat.client.readResource("ledger://takings")).rejects.toThrow();
      expect(seat.client.opened).toEqual([]);
    }
  });

  it("O26 is asked for every scope of the tool when its token has some of them", async () => {
    const seat = await Seat.take(clientName, running.app.resource);
    await seat.agree("allow", (client) => client.call("orders", {}));
    expect(await seat.call("browse")).toMatchObject({ content: { knowsYou: true } });
    expect(await seat.agree("allow", (client) => client.call("rename_order", {}))).toEqual({ isError: false, content: { renamed: 0 } });
    expect(seat.challenges.map(({ status, scope }) => `${status} ${scope}`)).toEqual(["401 orders:read", "403 orders:read orders:write"]);
  });
});

describe.each(Object.keys(targets))("the Host header at %s", (targetName) => {
  it("M01 names no address in metadata or challenges: a foreign one is refused", async () => {
    const url = targets[targetName]?.url() ?? "";
    const own = new URL(url).host;
    for (const path of [url, metadataOf(url)]) {
      for (const host of ["evil.test", `evil.test:${new URL(url).port}`, `${own}.evil.test`]) {
        const refused = await getWithHost(path, host);
        expect([path, host, refused.status >= 400]).toEqual([path, host, true]);
        expect(`${JSON.stringify(refused.headers)} ${refused.body}`).not.toContain("evil.test");
      }
    }
    expect(JSON.parse((await getWithHost(metadataOf(url), own)).body)).toMatchObject({ resource: url });
  });
});

/** `fetch` sets the Host header itself, so a lie about it takes the plain client. */
function getWithHost(url: string, host: string): Promise<{ readonly status: number; readonly headers: unknown; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = sendRaw(url, { headers: { host }, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString("utf8") }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
