import { answer } from "@countersign/kit/answer";
import { type App, type AppOptions, createApp } from "@countersign/kit/app";
import { either, oauth2 } from "@countersign/kit/auth";
import { toNodeHandler } from "@countersign/kit/node";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

/** A small app of the kit on a port of its own. */
export interface KitApp {
  readonly resource: string;
  readonly app: App;
  /** What it sent to other servers, headers and body in one text. */
  readonly sent: { readonly url: string; readonly text: string }[];
  /** What it reported. */
  readonly reported: string[];
  readonly stop: () => Promise<void>;
}

/** The app that trusts what `issuerOf` says for its address. */
export async function startKitApp(
  optionsOf: (resource: string) => Pick<AppOptions, "issuer" | "scopes">,
  send: (url: string, init?: RequestInit) => Promise<Response> = fetch,
): Promise<KitApp> {
  const server = await listen();
  const resource = `http://127.0.0.1:${portOf(server)}/mcp`;
  const sent: { readonly url: string; readonly text: string }[] = [];
  const reported: string[] = [];
  const app = createApp({
    name: "shop",
    version: "1.0.0",
    resource,
    ...optionsOf(resource),
    fetch: async (url, init) => {
      const request = new Request(url, init);
      sent.push({ url, text: `${JSON.stringify([...request.headers])} ${await request.text()}` });
      return send(url, init);
    },
    report: (event) => reported.push(JSON.stringify(event)),
  });
  const input = z.object({});
  app.tool("browse", { description: "Anyone", input, auth: either() }, (_args, ctx) => answer({ subject: ctx.subject ?? null }));
  app.tool("list_orders", { description: "Signed in", input, auth: oauth2("orders:read") }, (_args, ctx) =>
    answer({ subject: ctx.subject ?? null, clientId: ctx.clientId ?? null }),
  );
  server.on("request", toNodeHandler(app));
  return {
    resource,
    app,
    sent,
    reported,
    stop: async () => {
      await app.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
