import { z } from "zod";
import { operations } from "../../src/routes/operations.ts";
import { refusalsOf } from "../../src/routes/openapi.ts";
import { httpError } from "../../src/routes/schemas/errors.ts";

const outside: ReadonlySet<string> = new Set(["/api/openapi.json"]);

/** Throws when an answer of `/api/` leaves the document: an operation, a status, a code or a member that it does not have. */
export async function checkAnswer(request: Request, response: Response): Promise<void> {
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith("/api/") || outside.has(pathname)) return;
  const here = operations.filter((each) => new RegExp(`^${each.path.replace(":id", "[^/]+")}$`).test(pathname));
  const operation = here.find((each) => each.method === request.method);
  const body = (): Promise<unknown> => response.clone().json();
  if (operation === undefined) {
    const { status } = response;
    httpError.parse(await body());
    if (status !== (here.length > 0 ? 405 : 404)) throw new Error(`${request.method} ${pathname} is not in the document and answers ${status}`);
    return;
  }
  const where = `${operation.id} answers ${response.status}`;
  if (response.status === operation.status) {
    const type = response.headers.get("content-type");
    if (type === "text/event-stream" || (type === "application/x-ndjson" && operation.lines !== undefined)) return;
    const parsed = operation.answer.safeParse(await body());
    if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
    return;
  }
  if (operation.emptyWhen !== undefined && response.status === 400 && (await response.clone().text()) === "{}") return;
  const { code } = httpError.parse(await body());
  if (refusalsOf(operation).get(response.status)?.includes(code) !== true) throw new Error(`${where} ${code}, which the document does not have`);
  if (response.status === 429 && !/^[1-9]\d*$/.test(response.headers.get("retry-after") ?? "")) throw new Error(`${where} without Retry-After`);
}
