import { describe, expect, it, vi } from "vitest";
import { readJson } from "../../src/doctor/ask.ts";
import { askerOf, serverUrl } from "./fixture.ts";

const question = { method: "GET", url: serverUrl } as const;

describe("a question of the doctor", () => {
  it("gives status, headers and text", async () => {
    const answer = await askerOf(() => new Response("hello", { status: 418, headers: { "x-a": "b" } })).ask(question);
    expect(answer).toMatchObject({ seen: "answer", status: 418, text: "hello" });
  });

  it("takes a redirect as a fact that it does not follow", async () => {
    const seen: Request[] = [];
    const moved = (): Response => new Response(null, { status: 307, headers: { location: "https://elsewhere.example/" } });
    const answer = await askerOf(moved, seen).ask(question);
    expect(answer).toEqual({ seen: "nothing", problem: "redirected", location: "https://elsewhere.example/" });
    expect(seen).toHaveLength(1);
  });

  it("is not asked once the examination has asked enough", async () => {
    const seen: Request[] = [];
    const asker = askerOf(() => new Response("hello"), seen, 1);
    expect((await asker.ask(question)).seen).toBe("answer");
    expect(await asker.ask(question)).toEqual({ seen: "nothing", problem: "over_budget" });
    expect(seen).toHaveLength(1);
  });

  it("does not hide a mistake of our own as an observation", async () => {
    const broken = (): never => {
      throw new RangeError("ours");
    };
    await expect(askerOf(broken).ask(question)).rejects.toThrow("ours");
  });

  it("reads the head alone of a stream without end, and lets go of it", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      cancel() {
        cancelled = true;
      },
    });
    const endless = (): Response => new Response(body, { headers: { "content-type": "text/event-stream" } });
    expect(await askerOf(endless).ask({ ...question, reading: "head" })).toMatchObject({ status: 200, text: "" });
    expect(cancelled).toBe(true);
  });

  it("reads an event stream up to the message that answers, however it is cut, and lets go of it", async () => {
    let cancelled = false;
    const encoder = new TextEncoder();
    const text =
      ': hi\r\n\r\ndata: {"id":2,"result":{}}\r\n\r\ndata: {"id":1,"method":"ping"}\r\n\r\ndata: {"id":1,\r\ndata: "result":{"a":"é"}}\r\n\r\n';
    const body = new ReadableStream({
      start(controller) {
        for (const byte of encoder.encode(text)) controller.enqueue(new Uint8Array([byte]));
      },
      cancel() {
        cancelled = true;
      },
    });
    const stream = (): Response => new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
    const answer = await askerOf(stream).ask({ ...question, reading: { answerTo: 1 } });
    expect(answer.seen === "answer" && readJson(answer.text)).toEqual({ id: 1, result: { a: "é" } });
    expect(cancelled).toBe(true);
  });

  it("waits two seconds for the first event of a stream that stands, and lets go of it", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let cancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(": hi\n")),
      cancel: () => void (cancelled = true),
    });
    const stream = (): Response => new Response(body, { headers: { "content-type": "text/event-stream" } });
    const asked = askerOf(stream).ask({ ...question, reading: "first_event" });
    await vi.advanceTimersByTimeAsync(1999);
    expect(cancelled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    expect(await asked).toMatchObject({ seen: "answer", text: ": hi\n" });
    expect(cancelled).toBe(true);
  });

  it("reads no more than the first event where that is asked", async () => {
    const stream = (): Response =>
      new Response("event: endpoint\r\ndata: /m\r\n\r\ndata: more", { headers: { "content-type": "text/event-stream" } });
    const answer = await askerOf(stream).ask({ ...question, reading: "first_event" });
    expect(answer).toMatchObject({ text: expect.stringMatching(/^event: endpoint\ndata: \/m\n\n/) });
    expect(await askerOf(() => new Response("<html>")).ask({ ...question, reading: "first_event" })).toMatchObject({ text: "" });
  });

  it("takes the last event of a stream that ends without an empty line", async () => {
    const stream = (): Response => new Response('data: {"id":1}', { headers: { "content-type": "text/event-stream" } });
    expect(await askerOf(stream).ask({ ...question, reading: { answerTo: 1 } })).toMatchObject({ text: '{"id":1}' });
    expect(await askerOf(stream).ask({ ...question, reading: { answerTo: 7 } })).toMatchObject({ text: "" });
  });
});

describe("JSON of an answer", () => {
  it("is read within bounds", () => {
    expect(readJson('{"a":[1]}')).toEqual({ a: [1] });
    expect(readJson("<html>")).toBeUndefined();
    expect(readJson('{"a":1,"a":2}')).toBeUndefined();
    expect(readJson("[".repeat(100) + "]".repeat(100))).toBeUndefined();
  });
});
