// The kit as a store runs it: served by the service package with its log, the bearer token of every call checked.
import { createServer } from "node:http";
import { answer } from "@countersign/kit/answer";
import { createApp } from "@countersign/kit/app";
import { either, oauth2 } from "@countersign/kit/auth";
import { createLogger } from "@countersign/service/log";
import { serve } from "@countersign/service/serve";
import { z } from "zod";
import { runProgram } from "../measure/program.ts";
import { createTokenIssuer } from "./parts/access-token.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

/** More than the kit remembers, so that going through them in turn meets no remembered one. */
const freshTokens = 3_000;

await runProgram(async (options) => {
  const server = createServer();
  const origin = await listen(server);
  const resource = `${origin}/mcp`;
  const issuer = createTokenIssuer("http://localhost:4200", resource);
  const app = createApp({ ...serverInfo, resource, issuer: issuer.issuer, fetch: issuer.fetch });
  const input = z.object({ sku: z.string().max(40), quantity: z.int().min(1).max(99) });
  const { name, text, ...about } = quoteTool;
  app.tool(name, { ...about, input, auth: options["isOpen"] === true ? either() : oauth2("orders:read") }, (args) => answer(quote(args), text));
  const served = await serve({ handler: app.fetch, listen: server, logger: createLogger("shop") });
  const tokens = Array.from({ length: freshTokens }, () => issuer.token("orders:read"));
  return {
    facts: { url: resource, token: issuer.token("orders:read"), freshTokens: tokens.join(" ") },
    stop: async () => {
      await served.stop();
      await app.close();
    },
  };
});
