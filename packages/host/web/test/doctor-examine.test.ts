import { describe, expect, it } from "vitest";
import { createExamine, type StepTold } from "../src/doctor/examine.ts";

const question = { url: "https://shop.example/mcp", call: true };
const report = { url: question.url, exit: 0, hosts: [], notes: [], findings: [] };
const step = (name: string, number: number): object => ({ step: name, number, of: 7 });

/** The host: a session, then the pieces of an answer as they come over the wire. */
function hostThat(pieces: readonly string[], init: ResponseInit = {}): { readonly send: typeof fetch; readonly asked: Request[] } {
  const asked: Request[] = [];
  const send: typeof fetch = async (input, given) => {
    const request = new Request(new URL(typeof input === "string" ? input : "", "http://127.0.0.1:4100"), { ...given, cache: "default" });
    asked.push(request);
    if (request.url.endsWith("/api/session")) return Response.json({});
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(encoder.encode(piece));
        controller.close();
      },
    });
    return new Response(body, init);
  };
  return { send, asked };
}

async function ask(send: typeof fetch): Promise<{ readonly answer: unknown; readonly steps: readonly StepTold[] }> {
  const steps: StepTold[] = [];
  const answer = await createExamine(send)(question, { signal: new AbortController().signal, onStep: (told) => void steps.push(told) });
  return { answer, steps };
}

const lines = (...values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join("");

describe("what the page hears of an examination", () => {
  it("is each step as it comes, however the lines are cut, and the report", async () => {
    const text = lines(step("revisions", 1), step("tools", 2), { report });
    const host = hostThat([text.slice(0, 10), text.slice(10, 60), text.slice(60)]);
    const { answer, steps } = await ask(host.send);
    expect(steps).toEqual([step("revisions", 1), step("tools", 2)]);
    expect(answer).toMatchObject({ ok: true, value: { url: question.url } });
    expect(host.asked.at(-1)?.headers.get("accept")).toContain("application/x-ndjson");
  });

  it("is why it was refused", async () => {
    const refusal = { code: "rate_limited", error_description: "Too often.", retryable: true };
    const { answer } = await ask(hostThat([JSON.stringify(refusal)], { status: 429 }).send);
    expect(answer).toMatchObject({ ok: false, error: { code: "rate_limited", message: "Too often." } });
  });

  it.each([
    ["that the host was lost, when it ends in the middle", [lines(step("revisions", 1))], "unreachable"],
    ["nothing that is no line", ["<html>\n"], "malformed"],
    ["no report of another shape", [lines({ report: { url: 1 } })], "malformed"],
    ["no steps without end", [lines(...Array.from({ length: 60 }, () => step("tools", 2)))], "malformed"],
    ["no line without end", Array.from({ length: 5 }, () => "x".repeat(1_000_000)), "malformed"],
  ])("is %s", async (_what, pieces, code) => {
    expect((await ask(hostThat(pieces).send)).answer).toMatchObject({ ok: false, error: { code } });
  });
});
