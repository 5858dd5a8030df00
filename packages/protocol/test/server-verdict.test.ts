import { describe, expect, it } from "vitest";
import type { EraObservation, ServerObservation } from "../src/server-observation.ts";
import { exitCodeOf, findingsOf, type HostColumn, type Matrix, matters, type Matter, type Verdict, wasReached } from "../src/server-verdict.ts";

const works: Verdict = { standing: "works", finding: "works", reason: "it works" };
const moot: Verdict = { standing: "moot", finding: "moot", reason: "nothing to see" };

function column(host: string, verdicts: Partial<Record<Matter, Verdict>>): HostColumn {
  return {
    host,
    verdicts: { connect: works, list: works, sign_in: works, model_call: works, view_call: works, view: moot, step_up: moot, ...verdicts },
  };
}

function matrix(...hosts: HostColumn[]): Matrix {
  return { url: "https://shop.example/mcp", hosts, notes: [] };
}

const bad = (standing: Verdict["standing"], finding: string, fix?: string): Verdict => ({
  standing,
  finding,
  reason: `because of ${finding}`,
  ...(fix === undefined ? {} : { fix }),
});

function erasOf(era: EraObservation): Pick<ServerObservation, "eras"> {
  return {
    eras: { "2026-07-28": era, "2025-11-25": era, "2025-06-18": era, "2025-03-26": era, "2024-11-05": era, "HTTP+SSE": era },
  };
}

const refused: EraObservation = { seen: "refused", status: 404 };

describe("findings", () => {
  it("are none where everything works or gives no occasion", () => {
    expect(findingsOf(matrix(column("a", {}), column("b", {})))).toEqual([]);
  });

  it("come once for a cause, with all that it spoils and the fix that anybody knows", () => {
    const found = findingsOf(
      matrix(
        column("a", { view_call: bad("falls_back", "no_result"), sign_in: bad("dead", "no_result", "answer with it") }),
        column("b", { sign_in: bad("dead", "no_result") }),
        column("c", { model_call: bad("unknown", "no_result") }),
      ),
    );
    expect(found).toEqual([
      {
        finding: "no_result",
        reason: "because of no_result",
        fix: "answer with it",
        frees: ["a", "b"],
        unsure: ["c"],
        hosts: ["a", "b", "c"],
        matters: ["sign_in", "model_call", "view_call"],
      },
    ]);
  });

  it("say what is known before what is guessed of others, and the guess where nothing else is", () => {
    const guessed: Verdict = { ...bad("unknown", "no_result"), reason: "a guess" };
    const [known] = findingsOf(matrix(column("a", { sign_in: guessed }), column("b", { sign_in: bad("dead", "no_result") })));
    const [unsure] = findingsOf(matrix(column("a", { sign_in: guessed })));
    expect([known?.reason, unsure?.reason]).toEqual(["because of no_result", "a guess"]);
  });

  it("stand in the order of the hosts that they free, then of the hosts that they help, then of the matrix", () => {
    const found = findingsOf(
      matrix(
        column("a", { connect: bad("falls_back", "many"), list: bad("dead", "one"), view_call: bad("unknown", "last") }),
        column("b", { connect: bad("falls_back", "many"), sign_in: bad("dead", "two") }),
        column("c", { connect: bad("falls_back", "many"), sign_in: bad("dead", "two") }),
      ),
    );
    expect(found.map(({ finding }) => finding)).toEqual(["two", "one", "many", "last"]);
  });
});

describe("the exit code", () => {
  it("is 0 where everything works, falls back or could not be seen", () => {
    const fine = matrix(column("a", { sign_in: bad("falls_back", "x"), list: bad("unknown", "y") }));
    expect(exitCodeOf(erasOf(refused), fine)).toBe(0);
  });

  it.each(matters)("is 1 when %s is dead for one host", (matter) => {
    expect(exitCodeOf(erasOf(refused), matrix(column("a", {}), column("b", { [matter]: bad("dead", "x") })))).toBe(1);
  });

  it("is 3 when nothing answered, whatever the matrix says", () => {
    const dead = matrix(column("a", { connect: bad("dead", "x") }));
    expect(exitCodeOf(erasOf({ seen: "nothing", problem: "unreachable" }), dead)).toBe(3);
    expect(exitCodeOf(erasOf({ seen: "nothing", problem: "unsafe_address" }), dead)).toBe(3);
  });
});

describe("a server", () => {
  it.each([
    ["answers with a redirect", { seen: "nothing", problem: "redirected" }, true],
    ["answers with too much", { seen: "nothing", problem: "too_large" }, true],
    ["answers with an error", refused, true],
    ["is down", { seen: "refused", status: 503 }, false],
    ["has been asked too much", { seen: "unreadable", status: 429, contentType: "" }, false],
    ["does not answer in time", { seen: "nothing", problem: "timeout" }, false],
  ] as const)("that %s was reached or not", (_name, era, reached) => {
    expect(wasReached(erasOf(era))).toBe(reached);
  });
});
