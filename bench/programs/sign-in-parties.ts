// A protected shop and the authorization server that it trusts, in one process: the server approves at once, so that only the protocol is measured.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { answer } from "@countersign/kit/answer";
import { createApp } from "@countersign/kit/app";
import { oauth2 } from "@countersign/kit/auth";
import { createLogger } from "@countersign/service/log";
import { serve } from "@countersign/service/serve";
import { z } from "zod";
import { runProgram } from "../measure/program.ts";
import { createTokenIssuer, type TokenIssuer } from "./parts/access-token.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

const scope = "orders:read";

await runProgram(async () => {
  const [shop, authorization] = [createServer(), createServer()];
  const resource = `${await listen(shop)}/mcp`;
  const issuer = createTokenIssuer(await listen(authorization), resource);
  const app = createApp({ ...serverInfo, resource, issuer: issuer.issuer, fetch: issuer.fetch });
  const input = z.object({ sku: z.string().max(40), quantity: z.int().min(1).max(99) });
  const { name, text, ...about } = quoteTool;
  app.tool(name, { ...about, input, auth: oauth2(scope), annotations: { readOnlyHint: true } }, (args) => answer(quote(args), text));
  const quiet = createLogger("bench", { level: "error" });
  const served = [
    await serve({ handler: app.fetch, listen: shop, logger: quiet }),
    await serve({ handler: approveAtOnce(issuer), listen: authorization, logger: quiet }),
  ];
  return {
    facts: { url: resource, issuer: issuer.issuer },
    stop: async () => {
      for (const each of served) await each.stop();
      await app.close();
    },
  };
});

/** Codes with PKCE (RFC 7636), each good once; no page and no person. */
function approveAtOnce(issuer: TokenIssuer): (request: Request) => Promise<Response> {
  const challenges = new Map<string, string>();
  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/authorize") {
      const code = randomUUID();
      challenges.set(code, url.searchParams.get("code_challenge") ?? "");
      const target = new URL(url.searchParams.get("redirect_uri") ?? "");
      target.search = new URLSearchParams({ code, state: url.searchParams.get("state") ?? "" }).toString();
      return new Response(null, { status: 303, headers: { location: target.href } });
    }
    if (url.pathname !== "/token") return issuer.fetch(request.url);
    const form = new URLSearchParams(await request.text());
    const code = form.get("code") ?? "";
    const challenge = challenges.get(code);
    challenges.delete(code);
    const verified = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (challenge !== verified) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const token = { access_token: issuer.token(scope), token_type: "Bearer", expires_in: 600, scope };
    return Response.json(token, { headers: { "cache-control": "no-store" } });
  };
}
