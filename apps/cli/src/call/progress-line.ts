import { percentOf, type Progress } from "@countersign/protocol/progress";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../terminal-text.ts";

/** Where nothing can be replaced, a line at most so often; and so long nothing is said before a person is told that it goes on. */
const everyMs = 1000;
const quietMs = 10_000;
const escape = "\u001b";

/**
 * How far a server says that it is, on the standard error: one line that is replaced in place on a terminal, lines elsewhere. A person who hears nothing of the server is
 * told now and then that it works.
 */
export class ProgressLine {
  readonly #terminal: Pick<Terminal, "tell" | "attended" | "columns">;
  readonly #server: string;
  readonly #clock: () => number;
  readonly #begunAt: number;
  #toldAt: number;
  #told = "";
  #isShown = false;

  /** `clock` in milliseconds from any moment on. */
  constructor(terminal: Pick<Terminal, "tell" | "attended" | "columns">, server: string, clock: () => number) {
    this.#terminal = terminal;
    this.#server = oneLine(server, 100);
    this.#clock = clock;
    this.#begunAt = clock();
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }

  /** Shows what is known now, while the call is waited for. */
  show(progress: Progress | undefined): void {
    const { columns } = this.#terminal;
    if (progress === undefined) return this.#showQuiet();
    const text = `${this.#server}: ${textOf(progress)}`;
    if (columns !== undefined) {
      this.clear();
      this.#terminal.tell(
        Array.from(text)
          .slice(0, Math.max(10, columns - 1))
          .join(""),
      );
      this.#isShown = true;
      return;
    }
    if (text === this.#told || this.#clock() - this.#toldAt < everyMs) return;
    this.#told = text;
    this.#toldAt = this.#clock();
    this.#terminal.tell(`${text}\n`);
  }

  /** Takes the line away, so that something else can stand there. */
  clear(): void {
    if (this.#isShown) this.#terminal.tell(`\r${escape}[2K`);
    this.#isShown = false;
  }

  #showQuiet(): void {
    const now = this.#clock();
    if (!this.#terminal.attended || now - Math.max(this.#begunAt, this.#toldAt) < quietMs) return;
    this.#toldAt = now;
    this.#terminal.tell(`${this.#server} works on it (${Math.round((now - this.#begunAt) / 1000)} s)\n`);
  }
}

function textOf(progress: Progress): string {
  const percent = percentOf(progress);
  const share = percent === undefined ? String(progress.progress) : `${percent} %`;
  return progress.message === undefined ? share : `${share}, ${oneLine(progress.message, 200)}`;
}
