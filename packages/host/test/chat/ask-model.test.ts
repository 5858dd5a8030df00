import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { Secret } from "@countersign/protocol/secret";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { askModel, type ModelLimits, type ModelRequest } from "../../src/chat/ask-model.ts";
import type { Answer, GrowingCall } from "../../src/chat/answer-builder.ts";
import type { ModelProblem } from "../../src/chat/model-problem.ts";
import type { Result } from "@countersign/protocol/result";
import { listen } from "../stand-in/http-server.ts";
import { calls, ModelServer, openStream, type Reply, streamed, words } from "../stand-in/model-server.ts";

let model: ModelServer;
afterEach(async () => model.close());

interface Heard {
  readonly answer: Result<Answer, ModelProblem>;
  readonly said: readonly string[];
  readonly calls: readonly GrowingCall[];
}

async function ask(replies: readonly Reply[], limits: Partial<ModelLimits> = {}, more: Partial<ModelRequest> = {}): Promise<Heard> {
  model = await ModelServer.start(...replies);
  return again(limits, more);
}

async function again(limits: Partial<ModelLimits> = {}, more: Partial<ModelRequest> = {}): Promise<Heard> {
  const said: string[] = [];
  const heard: GrowingCall[] = [];
  const listener = { said: (text: string) => void said.push(text), calls: (grown: readonly GrowingCall[]) => void heard.push(...grown) };
  const request: ModelRequest = { messages: [{ role: "user", content: "Hi" }], tools: [], listener, signal: new AbortController().signal, ...more };
  const answer = await askModel({ baseUrl: model.baseUrl, model: "small", apiKey: new Secret("model-key") }, request, limits);
  return { answer, said, calls: heard };
}

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Reply =>
  () =>
    new Response("{}", { status: code, headers });
const raw =
  (body: string | ReadableStream<Uint8Array>, type = "text/event-stream"): Reply =>
  () =>
    new Response(body, { headers: { "content-type": type } });
const aPiece = `data: ${JSON.stringify({ choices: [{ delta: { content: "a" } }] })}\n\n`;

const noRequest = { model: "", messages: [] };

/** Sends `text` again and again until the reader leaves, and lets everybody else run between. */
function endless(text: string): { readonly reply: Reply; readonly gone: Promise<void> } {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const bytes = new TextEncoder().encode(text);
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    await setImmediate();
    controller.enqueue(bytes);
  };
  return { reply: (asked, request) => raw(new ReadableStream({ pull, cancel: () => resolve() }))(asked, request), gone };
}

describe("asking the model", () => {
  it("streams: words are heard as they come, and the answer is whole in the end", async () => {
    const { answer, said } = await ask([words("Two ", "mugs.")]);
    expect(answer).toEqual({ ok: true, value: { message: { role: "assistant", content: "Two mugs." }, cut: false } });
    expect(said.join("")).toBe("Two mugs.");
    expect(model.asked[0]?.stream).toBe(true);
    expect(model.requests[0]?.headers.get("authorization")).toBe("Bearer model-key");
  });

  it("hears words before the answer has ended, and characters that arrive in halves", async () => {
    const stream = openStream();
    const first = Promise.withResolvers<void>();
    model = await ModelServer.start(stream.reply);
    const said: string[] = [];
    const listener = { said: (text: string) => first.resolve(void said.push(text)), calls: () => {} };
    const answer = askModel({ baseUrl: model.baseUrl, model: "small" }, { messages: [], tools: [], listener, signal: new AbortController().signal });
    stream.write({ content: "Wait" });
    await first.promise;
    expect(said).toEqual(["Wait"]);
    stream.write({ content: " — done" });
    stream.write("data: [DONE]\n\n");
    expect(await answer).toMatchObject({ ok: true, value: { message: { content: "Wait — done" } } });
  });

  it("gives every call of an answer, grown from its fragments", async () => {
    const { answer, calls: heard } = await ask([calls(["browse", '{"q', 'uery":"mug"}'], ["list", "{}"])]);
    expect(answer).toMatchObject({
      ok: true,
      value: {
        message: {
          tool_calls: [
            { id: "c0", function: { arguments: '{"query":"mug"}' } },
            { id: "c1", function: { name: "list", arguments: "{}" } },
          ],
        },
      },
    });
    expect(heard.map(({ place }) => place)).toEqual(expect.arrayContaining([0, 1]));
  });

  it("takes comments, events of other names, usage, and line ends of every kind", async () => {
    const text = `: hello\r\n\r\nevent: ping\r\ndata: {"choices":[]}\r\n\r\n${aPiece}data: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n`;
    expect((await ask([raw(text)])).answer).toMatchObject({ ok: true, value: { message: { content: "a" } } });
  });

  it("takes an endpoint that answers in one piece", async () => {
    const whole: Reply = () => Response.json({ choices: [{ message: { role: "assistant", content: "Whole." }, finish_reason: "stop" }] });
    const { answer, said } = await ask([whole]);
    expect(answer).toMatchObject({ ok: true, value: { message: { content: "Whole." } } });
    expect(said).toEqual(["Whole."]);
  });

  it("without a listener asks for no stream", async () => {
    model = await ModelServer.start(() => Response.json({ choices: [{ message: { content: "Whole." } }] }));
    const answer = await askModel({ baseUrl: model.baseUrl, model: "small" }, { messages: [], tools: [], signal: new AbortController().signal });
    expect(answer.ok).toBe(true);
    expect(model.asked[0]).not.toHaveProperty("stream");
  });

  it("asks a busy endpoint again when it says that the wait is short, three times in all", async () => {
    const busy = status(429, { "retry-after": "0" });
    expect((await ask([busy, status(503, { "retry-after": "0" }), words("Now.")])).answer).toMatchObject({ ok: true });
    expect(model.asked).toHaveLength(3);
    model.next(busy, busy, busy, words("Too late."));
    expect((await again()).answer).toEqual({ ok: false, error: { kind: "busy", retryAfterS: 0 } });
    expect(model.asked).toHaveLength(6);
  });

  it("does not wait where the wait is long or unknown, and says how long it would be", async () => {
    expect((await ask([status(429, { "retry-after": "0" }), words("Now.")])).answer.ok).toBe(true);
    model.next(status(429, { "retry-after": "3600" }), status(429));
    expect((await again()).answer).toEqual({ ok: false, error: { kind: "busy", retryAfterS: 3600 } });
    expect((await again()).answer).toEqual({ ok: false, error: { kind: "busy" } });
    expect(model.asked).toHaveLength(4);
  });

  it.each([
    [401, undefined, "key_refused"],
    [404, undefined, "unknown_model"],
    [413, undefined, "conversation_too_long"],
    [400, "context_length_exceeded", "conversation_too_long"],
    [429, "insufficient_quota", "no_credit"],
    [400, "invalid_tools", "refused"],
    [422, 7, "refused"],
    [500, undefined, "failed"],
  ] as const)("tells what a %s with the code %s means", async (code, inBody, kind) => {
    const refused: Reply = () => Response.json({ error: { message: "<script>", code: inBody } }, { status: code });
    expect((await ask([refused])).answer).toEqual({ ok: false, error: { kind } });
  });

  it("X04 reads no more of a refusal than a page of text", async () => {
    const refused = endless("x".repeat(5000));
    const busy: Reply = async (asked, request) => new Response((await refused.reply(asked, request)).body, { status: 429 });
    expect((await ask([busy])).answer).toEqual({ ok: false, error: { kind: "busy" } });
    await refused.gone;
  });

  it("does not follow a redirect, with which the key would travel", async () => {
    const stolen: (string | null)[] = [];
    const elsewhere = await listen((request) => {
      stolen.push(request.headers.get("authorization"));
      return words("Mine.")(noRequest, request);
    });
    const { answer } = await ask([status(307, { location: `${elsewhere.origin}/v1/chat/completions` })]);
    await elsewhere.close();
    expect(answer).toEqual({ ok: false, error: { kind: "unreachable" } });
    expect(stolen).toEqual([]);
  });
});

describe("a hostile or broken endpoint", () => {
  it.each([
    ["broken JSON", raw(`${aPiece}data: {"choices":[\n\n`), "broken_answer"],
    ["an error in the middle", raw(`${aPiece}data: {"error":{"message":"<script>"}}\n\n`), "failed"],
    ["an end without a word of it", raw(aPiece), "broken_answer"],
    ["no event at all", raw("<html>"), "broken_answer"],
    ["another content type", raw("Hello", "text/html"), "broken_answer"],
    ["nothing", raw("", "application/json"), "broken_answer"],
    [
      "half a call",
      streamed({ deltas: [{ tool_calls: [{ index: 0, id: "a", function: { name: "pay", arguments: '{"a' } }] }], breaksOff: true }),
      "broken_answer",
    ],
    [
      "a call cut by a limit",
      streamed({ deltas: [{ tool_calls: [{ index: 0, id: "a", function: { name: "pay", arguments: "{}" } }] }], finish: "length" }),
      "call_cut",
    ],
    [
      "a fragment of two megabytes",
      raw(`data: ${JSON.stringify({ choices: [{ delta: { content: "x".repeat(2_000_000) } }] })}\n\n`),
      "answer_too_large",
    ],
    ["an event without end", raw(`data: ${"x".repeat(2_000_000)}`), "answer_too_large"],
  ] as const)("%s is a problem and no call", async (_, reply, kind) => {
    expect((await ask([words("Fine."), reply])).answer.ok).toBe(true);
    expect((await again()).answer).toEqual({ ok: false, error: { kind } });
  });

  it.each([
    ["words", aPiece],
    ["comments", ": still here\n\n"],
    ["unended lines", "data: x"],
  ])("an endless stream of %s is left", async (_, text) => {
    const stream = endless(text.repeat(500));
    expect((await ask([stream.reply], { bytesMax: 300_000 })).answer).toEqual({ ok: false, error: { kind: "answer_too_large" } });
    await stream.gone;
  });

  it("that falls silent is left, before its answer and in the middle of it", async () => {
    const never: Reply = () => new Promise<Response>(() => {});
    expect((await ask([never], { silenceMs: 50 })).answer).toEqual({ ok: false, error: { kind: "silent" } });
    const stream = openStream();
    model.next(stream.reply);
    stream.write({ content: "Well" });
    expect(await again({ silenceMs: 2000 })).toMatchObject({ answer: { ok: false, error: { kind: "silent" } }, said: ["Well"] });
    await stream.gone;
  });

  it("whose connection breaks in the middle gave half an answer; one that nobody listens at is not there", async () => {
    const breaking = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(aPiece, () => response.destroy());
    });
    await new Promise<void>((resolve) => breaking.listen(0, "127.0.0.1", resolve));
    const address = z.object({ port: z.number() }).parse(breaking.address());
    model = await ModelServer.start();
    const endpoint = { baseUrl: `http://127.0.0.1:${address.port}/v1`, model: "small" };
    const request: ModelRequest = { messages: [], tools: [], listener: { said: () => {}, calls: () => {} }, signal: new AbortController().signal };
    expect(await askModel(endpoint, request)).toEqual({ ok: false, error: { kind: "broken_answer" } });
    await new Promise<void>((resolve) => void breaking.close(() => resolve()));
    expect(await askModel(endpoint, request)).toEqual({ ok: false, error: { kind: "unreachable" } });
  });

  it("that drips without end is left in the end", async () => {
    const stream = openStream();
    const timer = setInterval(() => stream.write(": still here\n\n"), 20);
    expect((await ask([stream.reply], { answerMs: 1000 })).answer).toEqual({ ok: false, error: { kind: "silent" } });
    clearInterval(timer);
    await stream.gone;
  });

  it("is left at once when the user stops", async () => {
    const stream = openStream();
    const stop = new AbortController();
    model = await ModelServer.start(stream.reply);
    const listener = { said: () => stop.abort(), calls: () => {} };
    const answer = askModel({ baseUrl: model.baseUrl, model: "small" }, { messages: [], tools: [], listener, signal: stop.signal });
    stream.write({ content: "Well" });
    expect(await answer).toEqual({ ok: false, error: { kind: "stopped" } });
    await stream.gone;
  });
});
