/** One row a package: what it may import from the workspace. The table of ARCHITECTURE.md, read by `tidy`. */
export interface Layer {
  readonly folder: string;
  readonly mayImport: readonly string[] | "anything";
  /** Module specifiers and globals that the layer may not touch, with the reason shown to whoever tries. */
  readonly bans?: readonly { readonly pattern: RegExp; readonly reason: string }[];
}

const pure = [{ pattern: /^[^.@]|^@(?!countersign\/)/, reason: "protocol imports no package, not even node:" }] as const;

const inFrame = [{ pattern: /^node:/, reason: "this code runs in a browser frame" }] as const;

/** More specific folders come first. */
export const layers: readonly Layer[] = [
  { folder: "packages/protocol", mayImport: [], bans: pure },
  { folder: "packages/look", mayImport: [] },
  { folder: "packages/storage", mayImport: ["protocol"] },
  { folder: "packages/service", mayImport: ["protocol"] },
  { folder: "packages/widget", mayImport: ["protocol"], bans: inFrame },
  { folder: "packages/host/web", mayImport: ["protocol", "look"], bans: inFrame },
  { folder: "packages/host", mayImport: ["protocol", "storage", "service", "look"] },
  { folder: "packages/wallet", mayImport: ["protocol", "storage", "service", "look"] },
  { folder: "packages/kit", mayImport: ["protocol", "storage"] },
  { folder: "apps/store/widget", mayImport: ["protocol", "widget", "look"], bans: inFrame },
  { folder: "apps/store", mayImport: ["protocol", "storage", "service", "look", "kit", "widget"] },
  { folder: "apps/bank", mayImport: ["protocol", "storage", "service", "look"] },
  { folder: "examples", mayImport: ["kit", "widget"] },
  { folder: "apps/cli", mayImport: "anything" },
  { folder: "e2e", mayImport: "anything" },
  { folder: "bench", mayImport: "anything" },
  { folder: "tools", mayImport: "anything" },
];

/** Packages that nothing else may import: they are ends, not parts. */
export const ends: readonly string[] = ["bench", "host/web", "store/widget"];

/** Globals that make a function impure. They enter `protocol` as arguments. */
export const impureGlobals: ReadonlySet<string> = new Set([
  "process",
  "window",
  "document",
  "console",
  "fetch",
  "crypto",
  "setTimeout",
  "setInterval",
  "performance",
  "localStorage",
]);

/** Files that may read the environment or open a port, besides each `main.ts`. */
export const mayTouchProcess: readonly RegExp[] = [
  /\/main\.ts$/,
  /^tools\//,
  /^bench\//,
  /^e2e\//,
  /^packages\/service\/src\/(serve|run-main|startup-problem)\.ts$/,
  /\/testing\//,
  /\/test\//,
];

/** Files over the line bound, each with its reason. The list may only shrink. */
export const longFiles: Readonly<Record<string, string>> = {};

/** Functions over the line bound as `file#name`, each with its reason. The list may only shrink. */
export const longFunctions: Readonly<Record<string, string>> = {};
