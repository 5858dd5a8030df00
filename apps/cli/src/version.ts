import { readFileSync } from "node:fs";
import { member } from "@countersign/protocol/shape";

/** The version of this package, as `countersign --version` prints it. */
export function readVersion(): string {
  const version = member(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")), "version");
  if (typeof version !== "string") throw new TypeError("the package has a version");
  return version;
}
