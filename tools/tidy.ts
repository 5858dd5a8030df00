// Prints what breaks the style of the tree: layers, cycles, sizes, purity, names, links. Exit code 1 when anything does.
import { dirname } from "node:path";
import { judgeTexts } from "./tidy/judge-texts.ts";
import { readTree } from "./tidy/read-tree.ts";
import { findCycles, findStaleExceptions, judgeSource } from "./tidy/rules.ts";

const root = dirname(import.meta.dirname);
const sources = readTree(root);
const findings = [...sources.flatMap(judgeSource), ...findCycles(sources), ...findStaleExceptions(sources), ...judgeTexts(root)];
for (const each of findings) console.error(`${each.path}:${each.line} ${each.rule}: ${each.message}`);
console.log(`tidy: ${sources.length} files, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
