import { readableText } from "./readable-text.ts";
import { member } from "./shape.ts";

/** How far a running call is, as its server said last (MCP, progress): the server's word, shown and never decided on. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  /** One line of at most 200 UTF-16 units. */
  readonly message?: string;
}

const messageMax = 200;

/** Reads the parameters of `notifications/progress`, or what was made of them. Undefined without a finite number; what else does not fit is left out. */
export function readProgress(json: unknown): Progress | undefined {
  const progress = finite(member(json, "progress"));
  if (progress === undefined) return undefined;
  const total = finite(member(json, "total"));
  const message = readableText(member(json, "message"), messageMax)?.replaceAll(/\s+/g, " ");
  return { progress, ...(total === undefined || total <= 0 ? {} : { total }), ...(message === undefined ? {} : { message }) };
}

/** How much of it is done, from 0 to 100 and whole; undefined where the server named no total. */
export function percentOf({ progress, total }: Progress): number | undefined {
  return total === undefined ? undefined : Math.floor(Math.min(1, Math.max(0, progress / total)) * 100);
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
