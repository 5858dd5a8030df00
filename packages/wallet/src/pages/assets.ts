import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { icon } from "@countersign/look/icons";
import { Hono } from "hono";
import { sha256 } from "../digest.ts";

interface Asset {
  readonly type: string;
  readonly body: string;
  readonly etag: string;
}

/** The files that pages load: the design language, the icon, the script of the passkey ceremony. Read once, at start. */
export function assetRoutes(): Hono {
  const app = new Hono();
  const svg = icon("countersign").replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#5568e6" ');
  const assets: Readonly<Record<string, Asset>> = {
    "look.css": asset("text/css; charset=utf-8", readFileSync(fileURLToPath(import.meta.resolve("@countersign/look/look.css")), "utf8")),
    "passkey.js": asset("text/javascript; charset=utf-8", readFileSync(new URL("assets/passkey.js", import.meta.url), "utf8")),
    "icon.svg": asset("image/svg+xml", svg),
  };
  for (const [name, { type, body, etag }] of Object.entries(assets)) {
    app.get(`/assets/${name}`, (c) => {
      const headers = { "cache-control": "no-cache", etag, "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin" };
      if (c.req.header("if-none-match") === etag) return new Response(null, { status: 304, headers });
      return new Response(body, { headers: { ...headers, "content-type": type } });
    });
  }
  return app;
}

function asset(type: string, body: string): Asset {
  return { type, body, etag: `"${sha256(body).slice(0, 22)}"` };
}
