import { refuse } from "@countersign/protocol/errors";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import type { AssertionKeys } from "../authorize/assertion-keys.ts";
import type { ClientDocuments } from "../authorize/client-document.ts";

/** Shorter than the overlap of two keys. */
const cacheControl = "public, max-age=3600";

/** What authorization servers fetch about this host: its client metadata documents and the keys of its assertions. Both are public. */
export function addClientDocumentRoutes(app: Hono, documents: ClientDocuments, keys: AssertionKeys): void {
  app.get("/.well-known/jwks.json", async () => respondJson(200, { keys: await keys.published() }, { "cache-control": cacheControl }));
  app.get("/oauth/clients/:file", ({ req }) => {
    const document = documents.document(req.param("file"));
    return document === undefined ? respondRefusal(refuse("not_found")) : respondJson(200, document, { "cache-control": cacheControl });
  });
}
