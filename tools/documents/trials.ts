/** A test by its file and a part of its title. */
export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** How what a document says is tried: by a test, or not in this tree, with the reason. */
export type Trial = { readonly shownBy: NamedTest } | { readonly untried: string };

const guides = "e2e/scenarios/guides.test.ts";
const shown = (file: string, title: string): Trial => ({ shownBy: { file, title } });

const started = shown("e2e/scenarios/start.test.ts", "starts every party, says where to go, stops on Ctrl-C and keeps the data");
const newApp = shown("e2e/scenarios/new-app.test.ts", "opens its view without a sign-in");
const embedded = shown("e2e/scenarios/embed.test.ts", "calls a tool for its user and shows the app's view");
const registry: Trial = { untried: "asks the package registry; tests need no network" };
const published = shown(guides, "fetch what a protocol publishes, here from a folder that stands for its address");
const testsOfFolder = shown(guides, "run the tests of a folder, here of one file in it");
const bench: Trial = { untried: "takes minutes of a quiet machine; what it is made of is tested in bench/test" };

/** Commands by their whole text, whichever document has them. */
export const commandTrials: Readonly<Record<string, Trial>> = {
  "npm start": started,
  "npm start -- --app ../my-server": newApp,
  "npm start -- --app /path/to/this/folder": newApp,
  "npm install": registry,
  "node tools/run.mjs tools/pack.ts ../my-server/vendor": shown(guides, "pack the libraries"),
  "cd ../my-server && npm install ./vendor/*.tgz": registry,
  "node apps/bank/src/main.ts": shown(guides, "run the bank by itself"),
  "HOST_URL=http://127.0.0.1:4100 HOST_API_KEY=0123456789abcdef0123456789abcdef CHAT_ORIGIN=http://chat.localhost:5000 node chat.mjs": embedded,
  [`COUNTERSIGN_HOST_API_CLIENTS='[{ "id": "acme", "name": "Acme Chat", "key": "0123456789abcdef0123456789abcdef", "origins": ["http://chat.localhost:5000"] }]' npm start`]:
    embedded,
  "npm test": { untried: "is what runs these tests" },
  "npm run check": { untried: "is what npm test begins with (tools/test.ts)" },
  "npm run format": { untried: "changes the tree; its list is that of npm run check (tools/check.ts)" },
  "npm run e2e": { untried: "is a part of npm test" },
  "npm run pictures": { untried: "runs browser scenarios that npm test runs, and changes the tree; what it makes is held by e2e/pictures.test.ts" },
  "node tools/run.mjs node_modules/vitest/vitest.mjs run apps/bank": testsOfFolder,
  "node tools/run.mjs node_modules/vitest/vitest.mjs run packages/host/web": testsOfFolder,
  "node tools/run.mjs node_modules/vite/bin/vite.js build packages/host/web": {
    untried: "is what npm start and npm test begin with (tools/setup.mjs)",
  },
  "npm run new -- <dir>": newApp,
  "npm run histories -- 100000": shown("apps/bank/test/histories/histories.test.ts", "answers, sums and limits are those on paper"),
  "npm run conformance -- client": shown("e2e/scenarios/conformance.test.ts", "passes against the host as a client"),
  "npm run conformance -- ucp --schemas <folder>": shown(
    "e2e/scenarios/published-schemas.test.ts",
    "pass schemas that fit them, in every state of a session",
  ),
  "npm run conformance -- ucp --schemas ucp/source": shown(
    "e2e/scenarios/published-schemas.test.ts",
    "pass schemas that fit them, in every state of a session",
  ),
  "npm run conformance -- acp --schemas agentic-commerce-protocol/spec/2026-04-17/json-schema": shown(
    "e2e/scenarios/published-acp-schemas.test.ts",
    "pass definitions that fit them, in every state of a session",
  ),
  "git clone https://github.com/agentic-commerce-protocol/agentic-commerce-protocol": published,
  "git clone --branch v2026-08-25 https://github.com/Universal-Commerce-Protocol/ucp": published,
  "npm run doctor -- http://127.0.0.1:4300/mcp": shown("e2e/scenarios/doctor.test.ts", "prints what the guide shows"),
  "npm run bench": bench,
  "npm run bench -- kit-call": bench,
  "npm run bench -- kit-call --json": bench,
};

/** A document whose first `blocks` blocks of these languages are read from it and tried by a test, or by a module that the test uses (`readBy`). */
export interface ReadDocument {
  readonly document: string;
  readonly languages: readonly string[];
  readonly blocks: number;
  readonly readBy: string;
  readonly shownBy: NamedTest;
}

const byGuides = (document: string, blocks: number, title: string): ReadDocument => ({
  document,
  languages: ["sh"],
  blocks,
  readBy: guides,
  shownBy: { file: guides, title },
});
const examplesStart = "start each example, whose tools then answer";

export const readDocumentsOfTests: readonly ReadDocument[] = [
  {
    document: "docs/guides/build-an-app.md",
    languages: ["sh"],
    blocks: 4,
    readBy: "e2e/scenarios/new-app.test.ts",
    shownBy: { file: "e2e/scenarios/new-app.test.ts", title: "opens its view without a sign-in" },
  },
  {
    document: "docs/guides/build-an-app.md",
    languages: ["js", "json"],
    blocks: 6,
    readBy: "apps/cli/test/new/new-app.test.ts",
    shownBy: { file: "apps/cli/test/new/new-app.test.ts", title: "takes the tool and the test of the guide" },
  },
  {
    document: "docs/guides/embed.md",
    languages: ["js", "html"],
    blocks: 2,
    readBy: "e2e/stack/embedder.ts",
    shownBy: { file: "e2e/scenarios/embed.test.ts", title: "calls a tool for its user and shows the app's view" },
  },
  {
    document: "docs/guides/run-separately.md",
    languages: ["sh"],
    blocks: 1,
    readBy: "e2e/stack/run-processes.ts",
    shownBy: { file: "e2e/scenarios/processes.test.ts", title: "needs its environment alone for browsing" },
  },
  byGuides("docs/start.md", 3, "start everything, show how the shop fares in each host"),
  byGuides("docs/guides/run-separately.md", 2, "name the callback that the host will use"),
  byGuides("docs/guides/sell-to-agents-acp.md", 2, "let an agent in over ACP"),
  byGuides("docs/guides/sell-to-agents-ucp.md", 2, "sell over UCP"),
  byGuides("docs/guides/embed.md", 1, "let a product in that embeds the host"),
  {
    document: "docs/guides/cli.md",
    languages: ["sh"],
    blocks: 1,
    readBy: "e2e/scenarios/cli.test.ts",
    shownBy: { file: "e2e/scenarios/cli.test.ts", title: "signs in at the wallet from a terminal with the commands of the guide" },
  },
  byGuides("docs/guides/deploy.md", 1, "make keys of 32 bytes"),
  byGuides("docs/guides/operate.md", 1, "X02 change the sealing keys"),
  byGuides("docs/guides/operate-wallet.md", 1, "X02 change the sealing keys"),
  byGuides("examples/README.md", 1, examplesStart),
  ...["mixed-auth", "step-up", "payment", "guest-link"].map((name) => byGuides(`examples/${name}/README.md`, 1, examplesStart)),
];
