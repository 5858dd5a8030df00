import { isJsonObject, member } from "@countersign/protocol/shape";
import { agentFaultCode } from "./agent.ts";

/** What UCP has told as errors of JSON-RPC (Replay Protection; Negotiation Errors), which tools of MCP cannot give. */
const rpcCodes: Readonly<Record<string, number>> = {
  idempotency_conflict: -32000,
  idempotency_in_flight: -32000,
  invalid_profile_url: agentFaultCode,
};

/** The answer of a tool, or in its place the error of JSON-RPC that UCP has for that refusal, with the refusal's name and text in `data`. */
export async function tellRpcErrors(answer: Response): Promise<Response> {
  if (answer.headers.get("content-type")?.startsWith("application/json") !== true) return answer;
  const text = await answer.text();
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  return new Response(asRpcError(text) ?? text, { status: answer.status, headers });
}

function asRpcError(text: string): string | undefined {
  // Nearly every answer is none.
  if (!text.includes('"isError":true')) return undefined;
  const message: unknown = JSON.parse(text);
  const result = member(message, "result");
  if (!isJsonObject(message) || member(result, "isError") !== true) return undefined;
  const refusal = member(member(result, "structuredContent"), "error");
  const name = member(refusal, "code");
  const content = member(refusal, "message");
  if (typeof name !== "string" || typeof content !== "string" || !Object.hasOwn(rpcCodes, name)) return undefined;
  return JSON.stringify({ jsonrpc: "2.0", id: message["id"], error: { code: rpcCodes[name], message: content, data: { code: name, content } } });
}
