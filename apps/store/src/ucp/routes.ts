import { refuse } from "@countersign/protocol/errors";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import { createKeyedAnswers } from "../keyed-answers.ts";
import type { Shop } from "../shop.ts";
import { dressBareCall } from "./bare-call.ts";
import { createUcpApp, type UcpAppOptions } from "./mcp.ts";
import { mcpPath, profilePath, restPath } from "./names.ts";
import { businessProfile } from "./profile.ts";
import { tellRpcErrors } from "./rpc-errors.ts";
import { serveRest } from "./rest.ts";

/** How the shop is reached by the Universal Commerce Protocol: by path prefix, what serves it. */
export interface Ucp {
  readonly routes: readonly { readonly path: string; readonly serve: (request: Request) => Promise<Response> }[];
  close(): Promise<void>;
}

/** Opens the profile, the MCP endpoint and the REST endpoint. */
export function openUcp(shop: Shop, options: UcpAppOptions): Ucp {
  const answers = createKeyedAnswers(shop.db, shop.sealer, shop.clock);
  const app = createUcpApp(shop, answers, options);
  return {
    routes: [
      { path: profilePath, serve: (request) => Promise.resolve(serveProfile(shop, request)) },
      {
        path: mcpPath,
        async serve(request) {
          const call = await dressBareCall(request);
          return call === undefined ? respondRefusal(refuse("request_too_large")) : tellRpcErrors(await app.fetch(call));
        },
      },
      { path: `${restPath}/`, serve: (request) => serveRest(shop, answers, request) },
    ],
    close: () => app.close(),
  };
}

/** Public, and so for pages of any site; kept for five minutes by whoever reads it. */
function serveProfile(shop: Shop, request: Request): Response {
  if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  return respondJson(200, businessProfile(shop), { "cache-control": "public, max-age=300", "access-control-allow-origin": "*" });
}
