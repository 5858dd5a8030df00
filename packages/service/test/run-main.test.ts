import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLogger } from "../src/log.ts";
import { type ProcessHandle, runMain, type Started } from "../src/run-main.ts";
import { StartupProblem } from "../src/startup-problem.ts";

interface FakeProcess extends ProcessHandle {
  readonly printed: string[];
  readonly exits: number[];
  emit(event: string, reason?: unknown): void;
}

function fakeProcess(): FakeProcess {
  const listeners = new Map<string, (reason: unknown) => void>();
  const printed: string[] = [];
  const exits: number[] = [];
  return {
    printed,
    exits,
    stderr: { write: (text) => printed.push(text) },
    on: (event, listener) => listeners.set(event, listener),
    exit: (code) => void exits.push(code),
    emit: (event, reason) => listeners.get(event)?.(reason),
  };
}

function captureLog(): { logger: ReturnType<typeof createLogger>; text: () => string } {
  const written: string[] = [];
  return { logger: createLogger("wallet", { destination: { write: (line: string) => void written.push(line) } }), text: () => written.join("") };
}

describe("a party's process", () => {
  it("prints one sentence and exits with 1 when it cannot start", async () => {
    const handle = fakeProcess();
    await runMain("wallet", () => Promise.reject(new StartupProblem("Port 4200 is already in use.")), handle, captureLog().logger);
    expect(handle.printed).toEqual(["wallet: Port 4200 is already in use.\n"]);
    expect(handle.exits).toEqual([1]);
  });

  it("prints the message of an error that explains itself", async () => {
    const handle = fakeProcess();
    const error = Object.assign(new Error("The PostgreSQL server at db:5432 does not answer."), { loggable: true });
    await runMain("wallet", () => Promise.reject(error), handle, captureLog().logger);
    expect(handle.printed).toEqual(["wallet: The PostgreSQL server at db:5432 does not answer.\n"]);
  });

  it("logs any other error without its message and exits with 1 (X03)", async () => {
    for (const fail of ["start", "uncaughtException", "unhandledRejection"]) {
      const handle = fakeProcess();
      const log = captureLog();
      const start = (): Promise<Started> =>
        fail === "start" ? Promise.reject(new Error("canary")) : Promise.resolve({ url: "http://x", stop: async () => undefined });
      await runMain("wallet", start, handle, log.logger);
      if (fail !== "start") handle.emit(fail, new Error("canary"));
      expect(handle.exits).toEqual([1]);
      expect(log.text()).toContain("process.failed");
      expect(log.text() + handle.printed.join("")).not.toContain("canary");
    }
  });

  it("stops in good order on the first signal, not twice on a repeated SIGTERM, and at once on a further SIGINT", async () => {
    const handle = fakeProcess();
    let finish = (): void => undefined;
    const stopping = new Promise<void>((resolve) => (finish = resolve));
    let stops = 0;
    const stop = (): Promise<void> => {
      stops += 1;
      return stopping;
    };
    await runMain("wallet", async () => ({ url: "http://x", stop }), handle, captureLog().logger);
    handle.emit("SIGTERM");
    expect([stops, handle.exits]).toEqual([1, []]);
    handle.emit("SIGTERM");
    expect([stops, handle.exits]).toEqual([1, []]);
    handle.emit("SIGINT");
    expect([stops, handle.exits]).toEqual([1, [130]]);
    finish();
    await stopping;
    await Promise.resolve();
    expect(handle.exits).toEqual([130, 0]);
  });

  it("exits at once on a signal that comes before it has started", async () => {
    const handle = fakeProcess();
    const starting = runMain(
      "wallet",
      () => new Promise((resolve) => setImmediate(() => resolve({ url: "http://x", stop: async () => undefined }))),
      handle,
      captureLog().logger,
    );
    handle.emit("SIGINT");
    expect(handle.exits).toEqual([130]);
    await starting;
  });
});

describe("a real process", () => {
  const children: ChildProcess[] = [];
  const run = (
    port: number,
  ): { child: ChildProcess; output: { out: string; err: string }; until(text: RegExp): Promise<string>; exit: Promise<number | null> } => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "programs", "party.ts"), String(port)], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    const output = { out: "", err: "" };
    const waiting: (() => void)[] = [];
    const collect =
      (which: "out" | "err") =>
      (chunk: Buffer): void => {
        output[which] += chunk.toString();
        for (const each of waiting) each();
      };
    child.stdout?.on("data", collect("out"));
    child.stderr?.on("data", collect("err"));
    const until = (text: RegExp): Promise<string> =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = text.exec(output.out);
          if (found !== null) resolve(found[1] ?? "");
        };
        waiting.push(look);
        look();
      });
    return { child, output, until, exit: new Promise((resolve) => child.once("close", resolve)) };
  };

  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  it("finishes the running answer on SIGTERM and exits with 0", async () => {
    const party = run(0);
    const url = await party.until(/"url":"(http:\/\/[^"]+)"/);
    const answer = fetch(`${url}/slow`).then((response) => response.text());
    await party.until(/entered/);
    party.child.kill("SIGTERM");
    expect(await answer).toBe("finished");
    expect(await party.exit).toBe(0);
  });

  it("says in one line which variable changes a taken port", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve, reject) => {
      taken.listen(0, "127.0.0.1", () => {
        const address = taken.address();
        if (address === null || typeof address === "string") reject(new TypeError("no port"));
        else resolve(address.port);
      });
    });
    const party = run(port);
    expect(await party.exit).toBe(1);
    taken.close();
    expect(party.output.err).toBe(
      `party: Port ${port} on 127.0.0.1 is already in use; stop the program that uses it, or set COUNTERSIGN_PARTY_PORT to another port.\n`,
    );
    expect(party.output.out).toBe("");
  });

  it("that fails on an error nobody caught says where and not what (X03)", async () => {
    const party = run(0);
    const url = await party.until(/"url":"(http:\/\/[^"]+)"/);
    await fetch(`${url}/crash`).catch(() => undefined);
    expect(await party.exit).toBe(1);
    expect(party.output.out).toMatch(/process\.failed/);
    expect(party.output.out).toMatch(/party\.ts:\d+/);
    expect(party.output.out + party.output.err).not.toContain("canary");
  });
});
