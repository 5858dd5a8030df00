import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Frame } from "playwright-core";
import { arrive, type Person } from "../browser/person.ts";
import { noHits, openSink, type Sink, type Target } from "../hostile/sink.ts";
import { openView } from "../hostile/view.ts";
import { blankDocument, type HostileApp, startHostileApp } from "../stack/hostile-app.ts";
import { portOf } from "../stack/listen.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("a view that declares a domain", () => {
  let sink: Sink;
  let elsewhere: Target;
  let server: Server;
  let origin: string;
  const asked: string[] = [];
  let hostile: HostileApp;
  let stack: TestStack;
  let person: Person;

  beforeAll(async () => {
    sink = openSink();
    elsewhere = await sink.open("elsewhere");
    server = createServer((request, response) => {
      const path = request.url ?? "";
      asked.push(path);
      const headers = { "access-control-allow-origin": "*", "content-type": path.startsWith("/picture") ? "image/svg+xml" : "text/html" };
      if (path.startsWith("/on")) response.writeHead(302, { ...headers, location: path.replace("/on", "") }).end();
      else if (path.startsWith("/away")) response.writeHead(302, { ...headers, location: elsewhere.url }).end();
      else
        response.writeHead(200, headers).end(path.startsWith("/picture") ? '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>' : "here");
    });
    server.on("upgrade", (request, socket) => {
      asked.push(`socket ${request.url ?? ""}`);
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://declared.localhost:${portOf(server)}`;
    const csp = { connectDomains: [origin, origin.replace("http", "ws")], resourceDomains: [origin], frameDomains: [origin] };
    hostile = await startHostileApp("hostile", {
      declared: { html: blankDocument, meta: { ui: { csp } } },
      blank: { html: blankDocument, meta: {} },
    });
    stack = await runStack({ connectors: [hostile.connector] });
    person = await arrive(stack.urls.console);
    await person.console.connected("hostile");
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
    await hostile?.stop();
    server?.closeAllConnections();
    server?.close();
    await sink?.close();
  });

  const fetched = (view: Frame, url: string): Promise<string> =>
    view.evaluate(
      (address) =>
        fetch(address).then(
          (answer) => answer.text(),
          () => "refused",
        ),
      url,
    );
  const loaded = (view: Frame, url: string): Promise<string> =>
    view.evaluate(
      (address) =>
        new Promise((resolve) => {
          const picture = new Image();
          picture.onload = () => resolve("loaded");
          picture.onerror = () => resolve("refused");
          picture.src = address;
        }),
      url,
    );

  it("V05 reaches that domain by each way it declared, follows its redirects there, and none that leads elsewhere", async () => {
    const view = await openView(person.console, "show_declared");
    expect([await fetched(view, `${origin}/page`), await fetched(view, `${origin}/on/page`), await loaded(view, `${origin}/on/picture`)]).toEqual([
      "here",
      "here",
      "loaded",
    ]);
    await view.evaluate(
      (host) =>
        new Promise((resolve) => {
          new WebSocket(`ws://${host}/socket`).onerror = resolve;
        }),
      new URL(origin).host,
    );
    const framed = (path: string): Promise<void> =>
      view.evaluate(
        (address) =>
          new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = () => resolve();
            frame.src = address;
            document.body.append(frame);
          }),
        origin + path,
      );
    await framed("/frame");
    expect(asked).toEqual(expect.arrayContaining(["/page", "/on/page", "/picture", "socket /socket", "/frame"]));
    expect([await fetched(view, `${origin}/away/fetch`), await loaded(view, `${origin}/away/picture`)]).toEqual(["refused", "refused"]);
    await framed("/away/frame");
    expect(asked).toEqual(expect.arrayContaining(["/away/fetch", "/away/picture", "/away/frame"]));
    expect(await fetched(view, elsewhere.url)).toBe("refused");
    expect(sink.hits(elsewhere)).toEqual(noHits);
  });

  it("V22 the console works on when the browser ends the process of a view that asks for a peer connection", async () => {
    const view = await openView(person.console, "show_blank");
    // The driver gives up a page with an ended frame, so what comes after is asked of the page itself.
    const session = await person.browser.context.newCDPSession(person.console.page);
    await view.evaluate(() => void new RTCPeerConnection()).catch(() => undefined);
    const { result } = await session.send("Runtime.evaluate", {
      expression: `[...document.querySelectorAll('[data-testid="widget-unload"]')].at(-1).click();
        new Promise((resolve) => { const look = () => document.querySelector('[data-testid="widget-off"]') ? resolve("unloaded") : setTimeout(look, 50); look(); })`,
      awaitPromise: true,
    });
    expect(result.value).toBe("unloaded");
  });
});
