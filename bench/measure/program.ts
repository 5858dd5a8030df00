import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";

/** What one process of a benchmark is and can do. `facts` go to the parent once it is ready: addresses, tokens, example replies. */
export interface Program {
  readonly facts: Readonly<Record<string, string>>;
  /** Does a piece of work inside the process; the answer must be JSON. */
  perform?(task: JsonObject): Promise<unknown>;
  stop(): Promise<void>;
}

/** CPU time of the whole process since it began, user and system together, with every thread; resident memory now. */
export interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** Runs this process as a program that a parent started by `startProgram`: options by argument, everything else by message. Ends with the parent. */
export async function runProgram(start: (options: JsonObject) => Promise<Program>): Promise<void> {
  const given: unknown = JSON.parse(process.argv[2] ?? "{}");
  process.once("disconnect", () => process.exit(1));
  try {
    const program = await start(isJsonObject(given) ? given : {});
    process.on("message", (message: unknown) => void answer(program, message));
    tell({ ready: program.facts });
  } catch (error) {
    tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

async function answer(program: Program, message: unknown): Promise<void> {
  const id = member(message, "id");
  const task = member(message, "task");
  switch (member(message, "ask")) {
    case "usage":
      return tell({ id, answer: readUsage() });
    case "perform":
      try {
        tell({ id, answer: await program.perform?.(isJsonObject(task) ? task : {}) });
      } catch (error) {
        tell({ id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
      return;
    case "stop":
      await program.stop();
      process.exit(0);
  }
}

function readUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}

function tell(message: object): void {
  if (process.send === undefined) throw new TypeError("this program is started by a benchmark, not by hand");
  process.send(message);
}
