import { fileURLToPath } from "node:url";
import { StorageError } from "./storage-error.ts";

/** Where a database lives. `address` names a server without its credentials, for messages; `settings` are server settings that the URL asks for (`options=`). */
export type Location =
  | { readonly engine: "sqlite"; readonly path: string }
  | { readonly engine: "memory" }
  | { readonly engine: "postgres"; readonly connectionString: string; readonly settings: string; readonly address: string };

/**
 * Reads a database URL: `file:/absolute/path.sqlite`, `memory:`, or `postgres://user:password@host:port/name` (`postgresql:` too; a socket folder as
 * `postgres://user@/name?host=/folder`). Throws {@link StorageError} `invalid_url`; the message never repeats the URL, which may hold a password.
 */
export function parseLocation(url: string): Location {
  if (url === "memory:") return { engine: "memory" };
  if (url.startsWith("file:/")) return { engine: "sqlite", path: filePath(url) };
  if (url.startsWith("postgres://") || url.startsWith("postgresql://")) {
    return parseServer(url);
  }
  throw invalid();
}

function filePath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalid(cause);
  }
}

function parseServer(url: string): Location {
  // A URL with a socket folder has no host, which the URL grammar refuses together with user information.
  const parsed = URL.parse(url) ?? URL.parse(url.replace("@/", "@socket/"));
  if (parsed === null) throw invalid();
  const address = parsed.searchParams.get("host") ?? `${parsed.hostname || "localhost"}:${parsed.port || "5432"}`;
  // Left in the URL they would replace the party's own settings, the schema among them.
  const connectionString = url.replace(/([?&])options=[^&]*&?/, "$1").replace(/[?&]$/, "");
  return { engine: "postgres", connectionString, settings: parsed.searchParams.get("options") ?? "", address };
}

function invalid(cause?: unknown): StorageError {
  return new StorageError("invalid_url", "The database URL must be file:/absolute/path, memory:, or postgres://…", cause);
}
