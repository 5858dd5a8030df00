import type { JsonObject } from "@countersign/protocol/shape";
import { describe, expect, test } from "vitest";
import { holdResponse, mapResponse } from "../../src/existing/answer-stream.ts";

const mark = (message: JsonObject): JsonObject => ({ ...message, mapped: true });
const same = (message: JsonObject): JsonObject => message;

interface Wire {
  readonly response: Response;
  readonly send: (text: string) => void;
  readonly end: () => void;
  readonly cancelled: () => boolean;
}

function stream(): Wire {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (isCancelled = true),
  });
  return {
    response: new Response(body, { headers: { "content-type": "text/event-stream", "content-length": "1", "x-kept": "yes" } }),
    send: (text) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    cancelled: () => isCancelled,
  };
}

describe("a stream", () => {
  test("is held back to its first message, past an event that only tells its id", async () => {
    const wire = stream();
    const held = holdResponse(wire.response);
    wire.send("id: 1\nretry: 500\ndata: \n\n");
    wire.send('event: message\nid: 2\ndata: {"id":1,\n');
    wire.send('data: "result":{}}\n\n');
    const { first, release } = await held;
    expect(first).toEqual({ id: 1, result: {} });
    wire.end();
    const response = release(mark);
    expect(response.headers.get("x-kept")).toBe("yes");
    expect(response.headers.get("content-length")).toBeNull();
    expect(await response.text()).toBe('id: 1\nretry: 500\ndata: \n\nevent: message\nid: 2\ndata: {"id":1,"result":{},"mapped":true}\n\n');
  });

  test("that keeps its connection alive is held no longer", async () => {
    const wire = stream();
    const held = holdResponse(wire.response);
    wire.send(": keepalive\n\n");
    const { first, release } = await held;
    expect(first).toBeUndefined();
    wire.send('data: {"id":1}\r\n\r\n');
    wire.end();
    expect(await release(mark).text()).toBe(': keepalive\n\ndata: {"id":1,"mapped":true}\n\n');
  });

  test("is mapped in its last event too, which no blank line ends, and whatever the case of its type", async () => {
    const headers = { "content-type": "Text/Event-Stream; charset=utf-8" };
    const response = new Response('data: {"id":1}\n\ndata: {"id":2}\n', { headers });
    expect(await (await mapResponse(response, mark)).text()).toBe('data: {"id":1,"mapped":true}\n\ndata: {"id":2,"mapped":true}\n\n');
    const json = new Response('{"id":1}', { headers: { "content-type": "Application/JSON" } });
    expect(await (await mapResponse(json, mark)).text()).toBe('{"id":1,"mapped":true}');
  });

  test("passes byte for byte where nothing is mapped, however it is cut", async () => {
    const sent = 'event: a\r\ndata: {"a":"ü"}\r\n\r\ndata: text\n\n: c\n\ndata: [1]\n\nid: 9';
    const wire = stream();
    const bytes = new TextEncoder().encode(sent);
    const cut = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const response = await mapResponse(new Response(cut, { headers: wire.response.headers }), same);
    expect(await response.text()).toBe(sent);
  });

  test("is open at once where no challenge can come of it", async () => {
    const wire = stream();
    const response = await mapResponse(wire.response, mark);
    expect(response.status).toBe(200);
    wire.send('data: {"id":1}\n\n');
    wire.end();
    expect(await response.text()).toBe('data: {"id":1,"mapped":true}\n\n');
  });

  test("is left as soon as its reader leaves, although nothing was sent", async () => {
    const wire = stream();
    const response = await mapResponse(wire.response, mark);
    await response.body?.cancel();
    expect(wire.cancelled()).toBe(true);
  });

  test("is left when its answer is replaced", async () => {
    const wire = stream();
    const held = holdResponse(wire.response);
    wire.send('data: {"id":1}\n\n');
    await (await held).cancel();
    expect(wire.cancelled()).toBe(true);
  });

  test("that ends without a message gives what it had", async () => {
    const wire = stream();
    wire.send("id: 1\ndata: \n\n");
    wire.end();
    const { first, release } = await holdResponse(wire.response);
    expect(first).toBeUndefined();
    expect(await release(mark).text()).toBe("id: 1\ndata: \n\n");
  });
});

describe("an answer in one piece", () => {
  test("is mapped when it is a message", async () => {
    const { first, release } = await holdResponse(Response.json({ id: 1 }, { status: 202 }));
    expect(first).toEqual({ id: 1 });
    const response = release(mark);
    expect([response.status, await response.json()]).toEqual([202, { id: 1, mapped: true }]);
  });

  test("of another kind is passed as it is", async () => {
    for (const response of [
      new Response("text", { headers: { "content-type": "text/plain" } }),
      new Response("[]", { headers: { "content-type": "application/json" } }),
    ]) {
      const sent = await response.clone().text();
      expect(await (await mapResponse(response, mark)).text()).toBe(sent);
    }
  });
});
