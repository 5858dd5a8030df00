import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { refuse } from "@countersign/protocol/errors";
import { createLogger } from "../src/log.ts";
import { respondJson, respondRefusal } from "../src/respond.ts";
import { type Served, serve, type ServeOptions } from "../src/serve.ts";

const running: Served[] = [];
const sockets: Socket[] = [];
let log = "";

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((served) => served.stop()));
  log = "";
});

async function start(options: Partial<ServeOptions> = {}): Promise<Served> {
  const logger = createLogger("test", { destination: { write: (line: string) => void (log += line) } });
  const served = await serve({ listen: 0, logger, handler: () => new Response("hello"), ...options });
  running.push(served);
  return served;
}

/** Sends bytes as they are and gives everything that comes back until the connection ends. */
function send(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
    sockets.push(socket);
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

const head = (url: string, first = "GET / HTTP/1.1"): string => `${first}\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n`;
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

/** A promise and the function that settles it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe("a served party", () => {
  it("answers 500 when the look at a request throws, and serves the next one", async () => {
    const served = await start({
      node: (request) => {
        if (request.url === "/bad") throw new TypeError("canary");
        return false;
      },
    });
    const refused = await fetch(`${served.url}/bad`);
    expect([refused.status, await refused.json()]).toMatchObject([500, { code: "internal_error" }]);
    expect(await (await fetch(`${served.url}/good`)).text()).toBe("hello");
    expect(log).toContain("request.failed");
  });

  it("answers with the handler's status, headers, cookies and body, and the default headers", async () => {
    const served = await start({
      handler: async (request) => {
        const headers = new Headers({ "content-type": "text/plain", "referrer-policy": "same-origin" });
        headers.append("set-cookie", "a=1; HttpOnly");
        headers.append("set-cookie", "b=2");
        return new Response(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search} ${await request.text()}`, {
          status: 201,
          headers,
        });
      },
    });
    const response = await fetch(`${served.url}/a%20b?x=1`, { method: "POST", body: "ü" });
    expect([response.status, await response.text()]).toEqual([201, "POST /a%20b?x=1 ü"]);
    expect(response.headers.getSetCookie()).toEqual(["a=1; HttpOnly", "b=2"]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("same-origin");
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength("POST /a%20b?x=1 ü")));
  });

  it("answers JSON with its length in bytes, a refusal too, and nothing of it to HEAD", async () => {
    const served = await start({
      handler: (request) => (request.method === "POST" ? respondRefusal(refuse("not_found")) : respondJson(202, { name: "ü" }, { "x-a": "1" })),
    });
    const response = await fetch(served.url);
    expect([response.status, response.headers.get("content-type"), response.headers.get("x-a")]).toEqual([202, "application/json", "1"]);
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength('{"name":"ü"}')));
    expect(await response.json()).toEqual({ name: "ü" });
    expect(await (await fetch(served.url, { method: "HEAD" })).text()).toBe("");
    expect((await fetch(served.url, { method: "POST" })).status).toBe(404);
  });

  it("answers HEAD without a body and 204 without a length", async () => {
    const served = await start({
      handler: (request) =>
        request.method === "HEAD" ? new Response("body", { headers: { "content-length": "4" } }) : new Response(null, { status: 204 }),
    });
    const response = await fetch(served.url, { method: "HEAD" });
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "4", ""]);
    expect((await fetch(served.url)).status).toBe(204);
  });

  it("gives each request an id: a harmless one from in front, else its own; the handler and the log see the same", async () => {
    const served = await start({ handler: (request) => new Response(request.headers.get("x-request-id")) });
    const given = await fetch(served.url, { headers: { "x-request-id": "front-1234" } });
    expect([await given.text(), given.headers.get("x-request-id")]).toEqual(["front-1234", "front-1234"]);
    const own = await fetch(served.url, { headers: { "x-request-id": "<script>" } });
    const id = await own.text();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(own.headers.get("x-request-id")).toBe(id);
    await served.stop();
    expect(log.match(/"requestId":"[^"]+"/g)).toEqual(['"requestId":"front-1234"', `"requestId":"${id}"`]);
  });

  it("tells its health and, while it can work, its readiness, under any Host", async () => {
    let ready = true;
    const served = await start({
      ready: () => {
        if (!ready) throw new Error("canary");
        return true;
      },
    });
    expect(statusOf(await send(served.url, "GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n"))).toBe(200);
    expect((await fetch(`${served.url}/readyz`)).status).toBe(200);
    ready = false;
    const response = await fetch(`${served.url}/readyz`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await response.json()).toMatchObject({ code: "unavailable", retryable: true });
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
    expect(log).not.toContain("canary");
  });

  it("lets a Node handler take a request over", async () => {
    const served = await start({
      node: (incoming, outgoing) => {
        if (incoming.url !== "/authorize") return false;
        outgoing.setHeader("x-from", "node");
        outgoing.end(`for ${String(incoming.headers["x-request-id"])}`);
        return true;
      },
    });
    const taken = await fetch(`${served.url}/authorize`);
    expect([taken.headers.get("x-from"), taken.headers.get("x-content-type-options"), await taken.text()]).toEqual([
      "node",
      "nosniff",
      `for ${taken.headers.get("x-request-id")}`,
    ]);
    expect(await (await fetch(`${served.url}/other`)).text()).toBe("hello");
  });

  it("can be given a server that listens already", async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const served = await start({ listen: server });
    expect(await (await fetch(served.url)).text()).toBe("hello");
    expect(server.headersTimeout).toBe(10_000);
    await expect(serve({ listen: createServer(), logger: createLogger("x", { level: "silent" }), handler: () => new Response() })).rejects.toThrow(
      TypeError,
    );
  });

  it("answers an error of the handler with nothing of it, and logs it by its request id (X03)", async () => {
    const served = await start({ handler: () => Promise.reject(new Error("canary")) });
    const response = await fetch(served.url);
    expect([response.status, await response.json()]).toMatchObject([500, { error: "server_error", code: "internal_error" }]);
    expect(log).toContain(`"requestId":"${response.headers.get("x-request-id")}"`);
    expect(log).toContain("request.failed");
    expect(log).not.toContain("canary");
  });

  it("breaks an answer off whose body fails half way, instead of ending it as if it were whole (X03)", async () => {
    const served = await start({
      handler: () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
            pull: (controller) => controller.error(new Error("canary")),
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const answer = await send(served.url, `${head(served.url)}\r\n`);
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(answer + log).not.toContain("canary");
    const early = await start({ handler: () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("canary")) })) });
    expect((await fetch(early.url)).status).toBe(500);
  });
});

describe("a hostile request", () => {
  it("with a foreign Host does not reach the handler (M01)", async () => {
    let reached = 0;
    const served = await start({
      handler: () => {
        reached += 1;
        return new Response("in");
      },
    });
    const port = new URL(served.url).port;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      expect(statusOf(await send(served.url, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))).toBe(200);
    }
    for (const host of ["evil.example", `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, "null", `127.0.0.1:${port}1`]) {
      expect(statusOf(await send(served.url, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))).toBe(421);
    }
    expect(reached).toBe(2);
  });

  it("answers only to the hosts it was given", async () => {
    const served = await start({ hosts: ["wallet.example"] });
    expect(statusOf(await send(served.url, "GET / HTTP/1.1\r\nHost: wallet.example\r\nConnection: close\r\n\r\n"))).toBe(200);
    expect((await fetch(served.url)).status).toBe(421);
  });

  it.each([
    ["both lengths", (url: string) => `${head(url, "POST / HTTP/1.1")}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ["two lengths", (url: string) => `${head(url, "POST / HTTP/1.1")}Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello`, 400],
    ["a header of 64 KB", (url: string) => `${head(url)}X-Big: ${"x".repeat(65_536)}\r\n\r\n`, 431],
    ["TRACE", (url: string) => `${head(url, "TRACE / HTTP/1.1")}\r\n`, 405],
    ["an absolute target", (url: string) => `${head(url, "GET http://evil.example/ HTTP/1.1")}\r\n`, 400],
    ["two hosts", (url: string) => `${head(url)}Host: evil.example\r\n\r\n`, 400],
    ["no host", () => "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    ["a header folded over lines", (url: string) => `${head(url)}X-A: 1\r\n 2\r\n\r\n`, 400],
    ["a name with a space", (url: string) => `${head(url)}Content-Length : 3\r\n\r\nabc`, 400],
    ["no HTTP at all", () => "\x16\x03\x01\x02\r\n\r\n", 400],
  ])("with %s is refused and the connection closed (X10)", async (_name, bytes, status) => {
    let reached = 0;
    const served = await start({
      handler: () => {
        reached += 1;
        return new Response("in");
      },
    });
    expect(statusOf(await send(served.url, `${head(served.url)}\r\n`))).toBe(200);
    const answer = await send(served.url, bytes(served.url));
    expect(statusOf(answer)).toBe(status);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(reached).toBe(1);
  });

  it("that sends its head slowly is ended, while others are served (X05)", async () => {
    const served = await start({ timeouts: { header: 1500, request: 3000 } });
    const slow = Array.from({ length: 200 }, () => send(served.url, "GET / HTTP/1.1\r\nHo"));
    for (let each = 0; each < 50; each += 1) expect((await fetch(served.url)).status).toBe(200);
    for (const answer of await Promise.all(slow)) expect(["", "HTTP/1.1 408"]).toContain(answer.slice(0, 12));
  });

  it("that sends its body slowly is ended (X05)", async () => {
    const served = await start({ timeouts: { header: 200, request: 400 }, handler: async (request) => new Response(await request.text()) });
    const answer = await send(served.url, `${head(served.url, "POST / HTTP/1.1")}Content-Length: 100\r\n\r\nhalf`);
    expect(["", "HTTP/1.1 408", "HTTP/1.1 500"]).toContain(answer.slice(0, 12));
  });

  it("that reads its answer slowly makes the body wait, and ends the body when it leaves (X05)", async () => {
    let pulled = 0;
    const cancelled = gate();
    const served = await start({
      handler: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull: (controller) => {
              pulled += 1;
              controller.enqueue(new Uint8Array(65_536));
            },
            cancel: cancelled.open,
          }),
        ),
    });
    const socket = connect(Number(new URL(served.url).port), "127.0.0.1", () => socket.write(`${head(served.url)}\r\n`));
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.once("data", () => (socket.pause(), resolve())));
    let before = -1;
    while (pulled !== before) {
      before = pulled;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(pulled).toBeLessThan(500);
    socket.destroy();
    await cancelled.opened;
  });

  it("that leaves aborts the handler's signal", async () => {
    const entered = gate();
    const aborted = gate();
    const served = await start({
      handler: async (request) => {
        request.signal.addEventListener("abort", aborted.open);
        entered.open();
        await aborted.opened;
        return new Response("nobody reads this");
      },
    });
    const leaving = new AbortController();
    const request = fetch(served.url, { signal: leaving.signal });
    await entered.opened;
    leaving.abort();
    await expect(request).rejects.toThrow();
    await aborted.opened;
  });
});

describe("a long answer", () => {
  it("outlives the limits of the request", async () => {
    const served = await start({
      timeouts: { header: 1000, request: 2000, keepAlive: 1000 },
      handler: async () => {
        await new Promise((resolve) => setTimeout(resolve, 4000));
        return new Response("late");
      },
    });
    expect(await (await fetch(served.url)).text()).toBe("late");
  });

  it("reaches the client event by event", async () => {
    let push = (_text: string): void => undefined;
    const served = await start({
      handler: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => {
              push = (text) => controller.enqueue(new TextEncoder().encode(text));
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const response = await fetch(served.url);
    const reader = response.body?.getReader();
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      push(event);
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(event);
    }
    await reader?.cancel();
  });
});

describe("stopping", () => {
  it("is announced, refuses newcomers, finishes what runs, ends event streams last", async () => {
    const [entered, finish] = [gate(), gate()];
    const order: string[] = [];
    const served = await start({
      onStop: () => order.push("announced"),
      handler: async (request) => {
        if (new URL(request.url).pathname === "/events") {
          return new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(new TextEncoder().encode(": hi\n\n")),
              cancel: () => void order.push("stream ended"),
            }),
            {
              headers: { "content-type": "text/event-stream" },
            },
          );
        }
        entered.open();
        await finish.opened;
        order.push("answered");
        return new Response("whole");
      },
    });
    const events = await fetch(`${served.url}/events`);
    const reader = events.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    const answer = fetch(served.url);
    await entered.opened;
    const stopped = served.stop();
    await expect(fetch(served.url)).rejects.toThrow();
    finish.open();
    const response = await answer;
    expect([await response.text(), response.headers.get("connection")]).toEqual(["whole", "close"]);
    expect((await reader?.read())?.done).toBe(true);
    await stopped;
    await served.stop();
    expect(order).toEqual(["announced", "answered", "stream ended"]);
  });

  it("cuts what does not finish in time (I4)", async () => {
    const entered = gate();
    const served = await start({
      timeouts: { drain: 100 },
      handler: () => {
        entered.open();
        return new Promise(() => undefined);
      },
    });
    const answer = fetch(served.url).catch(() => "cut");
    await entered.opened;
    await served.stop();
    expect(await answer).toBe("cut");
  });
});

describe("a port that cannot be opened", () => {
  it("is one sentence with the port and the variable", async () => {
    const served = await start();
    const port = Number(new URL(served.url).port);
    await expect(start({ listen: port, portVariable: "COUNTERSIGN_WALLET_PORT" })).rejects.toMatchObject({
      name: "StartupProblem",
      sentence: `Port ${port} on 127.0.0.1 is already in use; stop the program that uses it, or set COUNTERSIGN_WALLET_PORT to another port.`,
    });
    await expect(start({ hostname: "192.0.2.1" })).rejects.toMatchObject({
      name: "StartupProblem",
      sentence: "This machine has no address 192.0.2.1 to listen on.",
    });
  });
});
