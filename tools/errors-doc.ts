// Writes docs/errors.md from the catalogue in packages/protocol/src/errors.ts. With --check it only compares, and fails when the document is behind.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ErrorEntry } from "@countersign/protocol/error-entry";
import { errorCatalogue } from "@countersign/protocol/errors";

const documentPath = "docs/errors.md";

const preface = `# Errors

One catalogue holds every refusal that any part of Countersign answers with: \`packages/protocol/src/errors.ts\`. This page is made from it by
\`node tools/errors-doc.ts\`; \`npm run check\` fails when the two differ.

A party's own API answers with the status below and this body:

\`\`\`json
{
  "error": "idempotency_conflict",
  "error_description": "This idempotency key was used for something else.",
  "code": "idempotency_conflict",
  "retryable": false,
  "detail": "for developers, optional; never a secret"
}
\`\`\`

\`error\` is the name from the OAuth column where there is one, else the code: an OAuth client can read it. \`code\` is stable once released; texts may improve.
A widget's rejected promise carries \`{ code, message, retryable, callId }\`, with \`message\` from the second column. *Retryable* means that the same request, unchanged,
may succeed later. Refusals that stand for an attack (a mismatch of issuer or resource, a foreign state) are never retried by the host itself.

| code | what a person is told | HTTP | retryable | OAuth | what a developer does next |
| --- | --- | --- | --- | --- | --- |
`;

/** The document as Markdown. */
export function renderErrors(catalogue: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(catalogue).map(([code, entry]) => {
    const oauth = entry.oauth === undefined ? "" : `\`${entry.oauth}\``;
    return `| \`${code}\` | ${cell(entry.text)} | ${entry.status} | ${entry.retryable ? "yes" : "no"} | ${oauth} | ${cell(entry.hint)} |`;
  });
  return `${preface}${rows.join("\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  const path = join(dirname(import.meta.dirname), documentPath);
  const wanted = renderErrors(errorCatalogue);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, wanted);
  } else if (readFileSync(path, "utf8") !== wanted) {
    console.error(`${documentPath} is behind the catalogue: run \`node tools/errors-doc.ts\`.`);
    process.exit(1);
  }
}
