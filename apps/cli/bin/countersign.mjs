#!/usr/bin/env node
// The command `countersign` on any Node: finds the one that runs the sources, as tools/run.mjs does.
import { dirname, join } from "path";
import { fileURLToPath } from "url";

process.argv.splice(2, 0, join(dirname(dirname(fileURLToPath(import.meta.url))), "src", "main.ts"));
await import("../../../tools/run.mjs");
