import type * as dnsModule from "node:dns";
import type { LookupAddress, LookupAllOptions } from "node:dns";
import { createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { dial, DialError, type DialBounds } from "../../src/dial/dial.ts";
import { listen, type Peer } from "./peer.ts";

const { names } = vi.hoisted(() => ({
  names: new Map([
    ["loopback.example", ["127.0.0.1"]],
    ["private.example", ["10.0.0.1"]],
    ["both.example", ["93.184.216.34", "127.0.0.1"]],
  ]),
}));

/** Names of the test; every other one is resolved as always. */
vi.mock("node:dns", async (original) => {
  const dns = await original<typeof dnsModule>();
  const lookup = (name: string, options: LookupAllOptions, callback: (error: Error | null, addresses: LookupAddress[]) => void): void => {
    const addresses = names.get(name);
    if (addresses === undefined) dns.lookup(name, options, callback);
    else
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
  };
  return { ...dns, lookup };
});

const bounds: DialBounds = { reach: "local", timeoutMs: 5000, responseBytesMax: 1000 };
let running: Peer | undefined;
afterEach(async () => running?.close());

async function problemOf(work: Promise<unknown>): Promise<DialError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DialError)) throw new Error("no dial error");
  return error;
}

function get(url: string, changed: Partial<DialBounds> = {}): Promise<Response> {
  return dial(new URL(url), { method: "GET", headers: new Headers() }, { ...bounds, ...changed });
}

describe("an outgoing request", () => {
  it("gives status, headers and body, and sends body and headers", async () => {
    running = await listen(async (request) => Response.json({ got: await request.text(), a: request.headers.get("x-a") }, { status: 418 }));
    const response = await dial(new URL(running.origin), { method: "POST", headers: new Headers({ "x-a": "1" }), body: "hello" }, bounds);
    expect(response.status).toBe(418);
    expect(await response.json()).toEqual({ got: "hello", a: "1" });
  });

  it.each([
    "http://127.0.0.1:1/",
    "http://localhost:1/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://10.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
  ])("M09 %s is refused for a public connector, unsent", async (url) => {
    const error = await problemOf(get(url, { reach: "public" }));
    expect([error.problem, error.sent]).toEqual(["unsafe_address", false]);
  });

  it.each([
    ["this machine", "https://loopback.example:1/"],
    ["a private address", "https://private.example:1/"],
    ["a public and a private address", "https://both.example:1/"],
  ])("M09 a name that resolves to %s is refused at connect time for a public connector", async (_, url) => {
    const error = await problemOf(get(url, { reach: "public" }));
    expect([error.problem, error.sent]).toEqual(["unsafe_address", false]);
  });

  it("a name that resolves to this machine is called for a local connector", async () => {
    expect((await problemOf(get("https://loopback.example:1/", { reach: "local" }))).problem).toBe("unreachable");
  });

  it.each(["ftp://a.example/", "http://a.example/", "https://user:pw@a.example/", "http://169.254.169.254/"])("%s is never called", async (url) => {
    expect((await problemOf(get(url))).problem).toBe("unsafe_address");
  });

  it.each([
    ["a status above 599", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\n{}"],
    ["a status below 100", "HTTP/1.1 099 Odd\r\ncontent-length: 2\r\n\r\n{}"],
    ["another protocol", "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    ["hints and nothing more", "HTTP/1.1 103 Hints\r\n\r\n"],
  ])("an answer of %s is a problem of the peer, and never of this process", async (_, answer) => {
    const server = createServer((socket) => void socket.on("error", () => {}).once("data", () => socket.end(answer)));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    const error = await problemOf(get(`http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/`));
    server.close();
    expect([error.problem, error.sent]).toEqual(["unreachable", true]);
  });

  it("O15 a redirect is an answer that is not followed", async () => {
    let visits = 0;
    running = await listen((request) => {
      visits += 1;
      return new URL(request.url).pathname === "/" ? new Response(null, { status: 308, headers: { location: "/next" } }) : new Response("ok");
    });
    expect(await problemOf(get(running.origin))).toMatchObject({ problem: "redirected", location: "/next" });
    expect(visits).toBe(1);
  });

  it("a body over the bound breaks off, and the watcher is told", async () => {
    running = await listen(() => new Response("x".repeat(5000)));
    const told: string[] = [];
    const response = await get(running.origin, { onBodyProblem: (error) => told.push(error.problem) });
    expect((await problemOf(response.text())).problem).toBe("too_large");
    expect(told).toEqual(["too_large"]);
  });

  it.each([
    ["breaks off", "unreachable", true],
    ["does not come", "timeout", false],
  ] as const)("a JSON answer of known length whose end %s is no answer, and the watcher is told", async (_, problem, cuts) => {
    const half = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"half":');
        if (cuts) socket.end();
      });
    });
    await new Promise<void>((resolve) => void half.listen(0, "127.0.0.1", resolve));
    const address = half.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const told: string[] = [];
    const ended: string[] = [];
    const changed: Partial<DialBounds> = {
      timeoutMs: cuts ? 5000 : 200,
      onBodyProblem: (error) => told.push(error.problem),
      onBodyEnd: () => ended.push("end"),
    };
    const met = await problemOf(get(`http://127.0.0.1:${port}/`, changed));
    expect([met.problem, met.sent]).toEqual([problem, true]);
    expect([told, ended]).toEqual([[problem], ["end"]]);
    await new Promise((resolve) => void half.close(resolve));
  });

  it("tells refused connections from requests that may have arrived", async () => {
    const closed = await listen(() => new Response("ok"));
    await closed.close();
    const refused = await problemOf(get(closed.origin));
    expect([refused.problem, refused.sent]).toEqual(["unreachable", false]);
    const cutting = createServer((socket) => socket.once("data", () => socket.destroy()));
    await new Promise<void>((resolve) => {
      cutting.listen(0, "127.0.0.1", resolve);
    });
    const address = cutting.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const cut = await problemOf(get(`http://127.0.0.1:${port}/`));
    expect([cut.problem, cut.sent]).toEqual(["unreachable", true]);
    await new Promise((resolve) => {
      cutting.close(resolve);
    });
  });

  it("a silent peer ends in a timeout, a caller's abort in aborted", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    running = await listen(() => promise);
    const slow = await problemOf(get(running.origin, { timeoutMs: 1000 }));
    expect([slow.problem, slow.sent]).toEqual(["timeout", true]);
    const abort = new AbortController();
    const asking = dial(new URL(running.origin), { method: "GET", headers: new Headers(), signal: abort.signal }, bounds);
    abort.abort();
    expect((await problemOf(asking)).problem).toBe("aborted");
    resolve(new Response("late"));
  });
});

describe("a response that nobody reads", () => {
  it("lets its connection go when it is given up", async () => {
    const gone = Promise.withResolvers<string>();
    running = await listen(() => new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => gone.resolve("gone") })));
    const response = await get(running.origin);
    await response.body?.cancel();
    expect(await gone.promise).toBe("gone");
  });

  it.each([
    ["a refusal", { status: 404, headers: { "content-type": "text/event-stream" } }],
    ["another kind of body", { status: 200, headers: { "content-type": "text/html" } }],
  ])("lets its connection go by itself where a stream was asked for and %s came", async (_, answer) => {
    const gone = Promise.withResolvers<string>();
    const body = (): ReadableStream => new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => gone.resolve("gone") });
    running = await listen(() => new Response(body(), answer));
    const response = await get(running.origin, { endless: true });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      answer.status,
      answer.headers["content-type"],
      "",
    ]);
    expect(await gone.promise).toBe("gone");
  });

  it("keeps an event stream open past the time for its answer", async () => {
    const said = Promise.withResolvers<undefined>();
    running = await listen(
      () =>
        new Response(
          new ReadableStream({
            pull: async (controller) => {
              await said.promise;
              controller.enqueue(new TextEncoder().encode("data: late\n\n"));
              controller.close();
            },
          }),
          { headers: { "content-type": "Text/Event-Stream; charset=utf-8" } },
        ),
    );
    const response = await get(running.origin, { endless: true, timeoutMs: 2000 });
    setTimeout(said.resolve, 2200, undefined);
    expect(await response.text()).toBe("data: late\n\n");
  });

  it("may be aborted without harm to the process", async () => {
    running = await listen(() => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("part")) })));
    const abort = new AbortController();
    const response = await dial(new URL(running.origin), { method: "GET", headers: new Headers(), signal: abort.signal }, bounds);
    abort.abort();
    expect((await problemOf(response.text())).problem).toBe("aborted");
  });
});
