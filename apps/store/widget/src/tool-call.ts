import type { JsonObject } from "@countersign/widget/wire";

/** A call of one of the shop's tools. `idempotent`: making it twice is the same as making it once. */
export interface ToolCall {
  readonly name: string;
  readonly args: JsonObject;
  readonly idempotent: boolean;
}
