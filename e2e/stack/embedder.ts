import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";

const guide = join(import.meta.dirname, "../../docs/guides/embed.md");

/** A chat product of its own origin and process that embeds the host: the two files of the guide, word for word. */
export interface Embedder {
  /** The origin of its pages. A name below `localhost`, so that it shares no cookie and no site with the host. */
  readonly origin: string;
  /** Starts its server against a host. */
  start(hostUrl: string, apiKey: string): Promise<void>;
  stop(): Promise<void>;
}

/** Prepares the product; its origin is known before any host is, as the host's configuration names it. */
export async function prepareEmbedder(): Promise<Embedder> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-embedder-"));
  for (const [name, text] of filesOf(readFileSync(guide, "utf8"))) writeFileSync(join(folder, name), text);
  let port = 0;
  let child: ChildProcess | undefined;
  const front: FaultProxy = await startFaultProxy(() => port);
  const origin = `http://chat.localhost:${front.port}`;
  return {
    origin,
    start: async (hostUrl, apiKey) => {
      const env = { PATH: process.env["PATH"], HOST_URL: hostUrl, HOST_API_KEY: apiKey, CHAT_ORIGIN: origin, PORT: "0" };
      child = spawn(process.execPath, [join(folder, "chat.mjs")], { env, stdio: ["ignore", "pipe", "inherit"] });
      port = await readPort(child);
    },
    stop: async () => {
      front.close();
      if (child !== undefined && child.exitCode === null) {
        child.kill();
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The files of the guide: each code block under a comment that names it. */
function filesOf(text: string): readonly (readonly [string, string])[] {
  const files = [...text.matchAll(/<!-- file: ([\w.]+) -->\n```\w+\n([\s\S]*?)```/g)].map((match) => [match[1] ?? "", match[2] ?? ""] as const);
  if (files.length !== 2) throw new Error("the guide has two files");
  return files;
}

async function readPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the product's output is read");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = Number(/^listening on (\d+)$/.exec(line)?.[1]);
    if (port > 0) return port;
  }
  throw new Error("the product did not start");
}
