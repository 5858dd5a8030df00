import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";

/** The built console, read once. */
export interface ConsoleFiles {
  /** The file at this path, the start page for a path that is a place in the console, or undefined. */
  serve(request: Request): Response | undefined;
  /** Text of one file, such as the shim; undefined when it was not built. */
  text(path: string): string | undefined;
}

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly tag: string;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Places with a page of their own. */
const pages: Readonly<Record<string, string>> = { "/doctor": "/doctor.html" };

/** Reads the folder of the built console. `widgetOrigin` is the template of the origins that it may frame. */
export function openConsoleFiles(folder: string | undefined, widgetOrigin: string): ConsoleFiles {
  const assets = folder === undefined ? new Map<string, Asset>() : readFolder(folder);
  const policy = contentSecurityPolicy(widgetOrigin);
  return {
    serve: (request) => {
      const { pathname } = new URL(request.url);
      const isPlace = pathname === "/" || extname(pathname) === "";
      const path = isPlace ? (pages[pathname] ?? "/index.html") : pathname;
      const asset = assets.get(path);
      if (asset === undefined) return isPlace ? notBuilt() : undefined;
      const headers = {
        "content-type": asset.type,
        etag: asset.tag,
        "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin-allow-popups",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      };
      if (request.headers.get("if-none-match") === asset.tag) return new Response(null, { status: 304, headers });
      return new Response(asset.bytes, { headers });
    },
    text: (path) => {
      const asset = assets.get(path);
      return asset === undefined ? undefined : new TextDecoder().decode(asset.bytes);
    },
  };
}

function contentSecurityPolicy(widgetOrigin: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    `frame-src ${widgetOrigin.replace("{app}", "*")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function readFolder(folder: string): Map<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const entry of listFiles(folder)) {
    const type = types[extname(entry)];
    if (type === undefined) continue;
    const bytes = new Uint8Array(readFileSync(join(folder, entry)));
    const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    assets.set(`/${entry.split(sep).join("/")}`, { bytes, type, tag });
  }
  return assets;
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function notBuilt(): Response {
  return new Response("The console is not built yet: run `npm start`, which builds it, or build packages/host/web.", {
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", "retry-after": "5" },
  });
}
