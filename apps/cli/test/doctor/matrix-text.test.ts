import type { Matrix, Standing, Verdict } from "@countersign/protocol/server-verdict";
import { describe, expect, it } from "vitest";
import { formatDetails, formatMatrix } from "../../src/doctor/matrix-text.ts";

const names = { chatgpt: "ChatGPT", claude: "Claude", copilot: "Microsoft 365 Copilot" };
const plain = { colour: false, columns: 100 };

function verdict(standing: Standing, more: Partial<Verdict> = {}): Verdict {
  return { standing, finding: standing, reason: `It is ${standing}.`, ...more };
}

function matrixOf(hosts: Readonly<Record<string, Partial<Matrix["hosts"][number]["verdicts"]>>>, url = "https://shop.example/mcp"): Matrix {
  const works = verdict("works");
  const all = { connect: works, list: works, sign_in: works, model_call: works, view_call: works, view: works, step_up: works };
  return { url, notes: [], hosts: Object.entries(hosts).map(([host, verdicts]) => ({ host, verdicts: { ...all, ...verdicts } })) };
}

const mixed = matrixOf({
  chatgpt: {
    view_call: verdict("falls_back", {
      finding: "view",
      reason: "A view's call of a protected tool is answered with nothing.",
      fix: "Offer a link.",
    }),
    sign_in: verdict("dead", { finding: "prm", reason: "There is no protected resource metadata.", fix: "Publish it." }),
  },
  claude: { sign_in: verdict("dead", { finding: "prm", reason: "There is no protected resource metadata." }), step_up: verdict("moot") },
  copilot: {
    view_call: verdict("falls_back", { finding: "view", reason: "A view's call is answered with nothing." }),
    view: verdict("unknown", { finding: "seen" }),
  },
});

describe("a matrix as text", () => {
  it("has a row for each host and a column for each matter, and the findings by how many hosts they free", () => {
    expect(formatMatrix(mixed, names, plain)).toBe(`https://shop.example/mcp

host                   connect  tools  sign-in  model call  view call   views    more scope
ChatGPT                works    works  dead     works       falls back  works    works
Claude                 works    works  dead     works       works       works    -
Microsoft 365 Copilot  works    works  works    works       falls back  unknown  works

1. There is no protected resource metadata.
   Fix: Publish it.
   Frees ChatGPT, Claude

2. A view's call of a protected tool is answered with nothing.
   Fix: Offer a link.
   Helps ChatGPT, Microsoft 365 Copilot

3. It is unknown.
   Concerns Microsoft 365 Copilot
`);
  });

  it("says so when there is nothing to mend", () => {
    expect(formatMatrix(matrixOf({ claude: {} }), names, plain)).toMatch(/\n\nNothing to mend\.\n$/);
  });

  it("has colours when asked for, which change nothing else", () => {
    const coloured = formatMatrix(mixed, names, { ...plain, colour: true });
    expect(coloured).toContain("\u001b[31mdead\u001b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape itself is looked for
    const bare = coloured.replaceAll(/\u001b\[\d+m/g, "").replaceAll(/ +\n/g, "\n");
    expect(bare).toBe(formatMatrix(mixed, names, plain));
    expect(formatMatrix(mixed, names, plain)).not.toContain("\u001b");
  });

  it.each([20, 40, 60, 80, 93, 94, 100, 300])("fits a terminal of %i columns, and never takes more than 100", (columns) => {
    const long = matrixOf(
      { chatgpt: { sign_in: verdict("dead", { reason: "word ".repeat(60), fix: "x".repeat(250) }) }, copilot: { sign_in: verdict("dead") } },
      `https://shop.example/${"a".repeat(300)}`,
    );
    const lines = formatMatrix(long, names, { colour: false, columns }).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.min(100, Math.max(40, columns)));
  });

  it("tells behind a cell where it is known from, and calls a guess a guess", () => {
    const known = verdict("dead", { basis: { certainty: "doc", source: "its documentation" } });
    const guessed = verdict("unknown", { basis: { certainty: "assumed", source: "nothing is known; the cautious way" } });
    const text = formatDetails(matrixOf({ claude: { list: known, view: guessed } }), names, plain);
    expect(text).toContain("Known from: its documentation (documented)\n");
    expect(text).toContain("A guess: nothing is known; the cautious way\n");
  });

  it("keeps a server's words from moving the cursor or hiding", () => {
    const reason = "It said \u001b[2J\u202eevil\u200b\r\nand more";
    const text = formatMatrix(matrixOf({ claude: { list: verdict("dead", { reason }) } }), names, plain);
    expect(text).toContain("It said [2Jevil and more");
    expect(text).not.toMatch(/[\u001b\u202e\u200b\r]/u);
  });
});
