import type { ServerResponse } from "node:http";
import { listen, portOf } from "../stack/listen.ts";

/** A page of the attacker's that reports every message its window gets. */
export interface Recorder {
  readonly origin: string;
  /** What the page has reported: `arrived` once it runs, then each message it heard. */
  readonly heard: readonly string[];
  /** Resolves when a report satisfies the condition. */
  reported(condition: (report: string) => boolean): Promise<void>;
  /** Lets the picture arrive that `/hanging` waits for, so that the page has loaded. */
  finish(): void;
  close(): Promise<void>;
}

const pageOf = (hangs: boolean): string => `<!doctype html><html lang="en"><head><title>Recorder</title></head><body>
<script>
const report = (text) => fetch("/report", { method: "POST", body: text });
addEventListener("message", (event) => report("message " + JSON.stringify(event.data)));
report("arrived");
</script>${hangs ? `<img src="/picture">` : ""}</body></html>`;

/** Starts the recorder on a loopback name. `/` loads at once, `/hanging` only when told. */
export async function openRecorder(): Promise<Recorder> {
  const server = await listen();
  const heard: string[] = [];
  const listeners = new Set<() => void>();
  const hanging: ServerResponse[] = [];
  server.on("request", (request, response) => {
    const headers = { "access-control-allow-origin": "*", "cache-control": "no-store" };
    if (request.url === "/picture") {
      hanging.push(response);
    } else if (request.url === "/report") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        heard.push(Buffer.concat(chunks).toString("utf8"));
        response.writeHead(204, headers).end();
        for (const listener of listeners) listener();
      });
    } else {
      response.writeHead(200, { ...headers, "content-type": "text/html" }).end(pageOf(request.url === "/hanging"));
    }
  });
  const finish = (): void => {
    for (const response of hanging.splice(0)) response.writeHead(404).end();
  };
  return {
    origin: `http://recorder.localhost:${portOf(server)}`,
    heard,
    reported: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!heard.some(condition)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    finish,
    close: async () => {
      finish();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
