// Writes docs/api/openapi.json from the schemas of the host's routes. With --check it only compares, and fails when the document is behind.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { apiDocument } from "@countersign/host/routes/openapi";

const documentPath = "docs/api/openapi.json";

if (import.meta.main) {
  const path = join(dirname(import.meta.dirname), documentPath);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, apiDocument);
  } else if (readFileSync(path, "utf8") !== apiDocument) {
    console.error(`${documentPath} is behind the routes: run \`node tools/openapi-doc.ts\`.`);
    process.exit(1);
  }
}
