import { member } from "@countersign/protocol/shape";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCall } from "../../src/call/run-call.ts";
import type { Ending } from "../../src/exit-codes.ts";
import { type LocalServers, openSession, startServers, type TestSession } from "../../testing/local-servers.ts";
import { type PaperTerminal, paperTerminal } from "../../testing/paper-terminal.ts";

const url = "https://bank.example/link?ticket=t-1";
const visit = { method: "elicitation/create", params: { mode: "url", url, message: "Link your bank\u001b[2J" } };
const requestedSchema = {
  type: "object",
  properties: {
    nick: { type: "string", title: "Nick name", minLength: 2 },
    size: { type: "integer", default: 3 },
    gift: { type: "boolean" },
    colour: { type: "string", enum: ["red", "blue"] },
  },
  required: ["nick", "colour"],
};
const form = { method: "elicitation/create", params: { mode: "form", message: "Who are you?", requestedSchema } };

let servers: LocalServers;
let session: TestSession | undefined;
let responses: unknown[];
beforeEach(async () => {
  servers = await startServers({ ask: {} });
  responses = [];
});
afterEach(async () => {
  await session?.close();
  session = undefined;
  await servers.close();
});

/** Calls a tool that first asks `question`; the person types these lines. */
async function callThatAsks(question: unknown, terminal: PaperTerminal): Promise<Ending> {
  servers.server.intercept = async (request, method) => {
    if (method !== "tools/call") return undefined;
    const rpc: unknown = await request.clone().json();
    const given = member(member(rpc, "params"), "inputResponses");
    if (given !== undefined) {
      responses.push(given);
      return undefined;
    }
    return Response.json({ jsonrpc: "2.0", id: member(rpc, "id"), result: { resultType: "input_required", inputRequests: { k: question } } });
  };
  session = await openSession(servers, { terminal });
  return runCall(session, { command: "call", server: "store", tool: "ask", words: [], json: false, trace: false, agree: false, way: "browser" });
}

describe("what a server asks at a terminal", () => {
  test("a form is asked field by field, by its own rules, and the call goes on with the answers", async () => {
    const terminal = paperTerminal(["y", "K", "Kim", "", "n", "2"]);
    expect(await callThatAsks(form, terminal)).toBe("done");
    expect(responses).toEqual([{ k: { action: "accept", content: { nick: "Kim", size: 3, gift: false, colour: "blue" } } }]);
    expect(terminal.asked).toEqual([
      "Answer? [y/N] ",
      "Nick name: ",
      "Nick name: ",
      "Size (number; Enter for 3): ",
      "Gift (y or n; optional): ",
      "Colour (its number): ",
    ]);
    expect(terminal.told()).toContain("Store asks:\nWho are you?\n");
    expect(terminal.told()).toContain("  1  red\n  2  blue\n");
  });

  test.each([
    ["no", ["n"], { action: "decline" }],
    ["nothing but Enter", [""], { action: "decline" }],
    ["the end of the input", [], { action: "cancel" }],
    ["the end of the input in the middle", ["y", "Kim"], { action: "cancel" }],
  ])("%s sends no content", async (_, typed, sent) => {
    await callThatAsks(form, paperTerminal(typed));
    expect(responses).toEqual([{ k: sent }]);
  });

  test("M18: an address is shown whole and opened only when the person says so", async () => {
    const terminal = paperTerminal(["y", ""]);
    expect(await callThatAsks(visit, terminal)).toBe("done");
    expect(terminal.told()).toContain(`Store asks:\nLink your bank[2J\n  ${url}\n`);
    expect(terminal.asked).toEqual(["Open this page of bank.example? [y/N] ", "Press Enter when you are done there. "]);
    expect(session?.opened).toEqual([url]);
    expect(responses).toEqual([{ k: { action: "accept" } }]);
  });

  test("M18: an address that the person does not want is opened nowhere", async () => {
    await callThatAsks(visit, paperTerminal([""]));
    expect(session?.opened).toEqual([]);
    expect(responses).toEqual([{ k: { action: "decline" } }]);
  });

  test("where nobody sits, the call ends, says what was asked, and runs nowhere", async () => {
    const terminal = paperTerminal();
    expect(await callThatAsks(visit, terminal)).toBe("person");
    expect(terminal.told()).toContain(`takes a person; run this in a terminal.\n  Link your bank[2J\n  ${url}\n`);
    expect({ responses, opened: session?.opened, ran: servers.server.executions }).toEqual({ responses: [], opened: [], ran: [] });
  });
});
