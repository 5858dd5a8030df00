// What nobody can be cheaper than: HTTP, a parsed form, and an ES256 signature where a token is issued. It stores nothing and checks nothing.
import { createServer, type IncomingMessage } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { runProgram } from "../measure/program.ts";
import { signJws } from "../measure/sign-jws.ts";
import { listen } from "./parts/listen.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

function answer(form: URLSearchParams): readonly [number, unknown] {
  if (form.has("token")) return [200, { active: true, client_id: "bench", scope: "orders:read" }];
  if (form.has("device_code")) return [400, { error: "authorization_pending" }];
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: "floor", aud: form.get("resource"), sub: "bench", jti: randomUUID(), iat, exp: iat + 300, scope: "orders:read" };
  const access_token = signJws({ alg: "ES256", typ: "at+jwt" }, claims, privateKey);
  return [200, { access_token, token_type: "Bearer", expires_in: 300, refresh_token: randomUUID(), device_code: randomUUID() }];
}

await runProgram(async () => {
  const server = createServer((incoming: IncomingMessage, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const [status, body] = answer(new URLSearchParams(Buffer.concat(chunks).toString()));
      outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  const url = await listen(server);
  const path = { tokenPath: "/token", introspectionPath: "/introspect", devicePath: "/device" };
  return {
    facts: {
      url,
      ...path,
      clientId: "bench",
      clientSecret: "bench",
      opaqueResource: "",
      refreshTokens: Array.from({ length: 16 }, randomUUID).join(" "),
    },
    stop: async () => void server.close(),
  };
});
