import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { maskUrl } from "@countersign/protocol/trace-mask";
import type { Reach } from "@countersign/service/dial/address";
import { dial } from "@countersign/service/dial/dial";
import { refusalOfDial } from "./dial-refusal.ts";

export interface DocumentBounds {
  readonly reach: Reach;
  readonly timeoutMs: number;
  /** Whose fault it is when nobody answers. */
  readonly unreachable: ErrorCode;
  /** Told of the answer, before it is judged. */
  readonly onAnswer?: (status: number, headers: Headers) => void;
}

const documentBytesMax = 256 * 1024;

/**
 * Fetches a metadata document that somebody else named the address of. `undefined` when it has none: not found, or a page for people, which some servers give
 * for every path. Refuses with `unsafe_url`, `invalid_metadata` or `bounds.unreachable`.
 */
export async function fetchDocument(url: string, bounds: DocumentBounds): Promise<Result<unknown, Refusal>> {
  const { reach, timeoutMs, unreachable, onAnswer } = bounds;
  if (!URL.canParse(url)) return err(refuse("unsafe_url", "the address of a metadata document is no URL"));
  // What is refused is read by users and models too, and the query of a server's address may hold a key.
  const shown = maskUrl(url);
  try {
    const headers = new Headers({ accept: "application/json" });
    const response = await dial(new URL(url), { method: "GET", headers }, { reach, timeoutMs, responseBytesMax: documentBytesMax });
    onAnswer?.(response.status, response.headers);
    const text = await response.text();
    if (response.status >= 500) return err(refuse(unreachable, `${shown} answered ${response.status}`));
    if (response.status !== 200 || response.headers.get("content-type")?.startsWith("text/html") === true) return ok(undefined);
    return ok(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return err(refuse("invalid_metadata", `${shown} is not JSON`));
    const { code, detail } = refusalOfDial(error, "invalid_metadata");
    return err(refuse(code === "authorization_server_unreachable" ? unreachable : code, `${shown}: ${detail ?? ""}`));
  }
}
