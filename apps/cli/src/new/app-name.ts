import { err, ok, type Result } from "@countersign/protocol/result";

/** An app's name, as its package and its connector carry it, and as people read it. */
export interface AppName {
  readonly name: string;
  readonly title: string;
}

/** Names that npm refuses, that Node has for itself, or that a local host already uses. */
const taken: ReadonlySet<string> = new Set(["node_modules", "test", "vendor", "store", "countersign", "kit", "widget"]);

/** Judges the name of the folder that an app is made in; the error completes "… is not a name for an app: ". */
export function judgeAppName(text: string): Result<AppName, string> {
  if (text.length === 0 || text.length > 32) return err("it has 1 to 32 characters");
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text) || text.includes("--")) {
    return err("it consists of small letters, digits and single hyphens, and begins with a letter");
  }
  if (taken.has(text)) return err("it is used by something else");
  const words = text.replaceAll("-", " ");
  return ok({ name: text, title: `${words.charAt(0).toUpperCase()}${words.slice(1)}` });
}
