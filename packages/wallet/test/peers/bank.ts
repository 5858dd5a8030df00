import { createRemoteJWKSet, jwtVerify } from "jose";
import { type Listening, listen } from "./listen.ts";

/** A bank as far as the wallet sees one: it verifies the wallet's assertion and keeps accounts. */
export interface Bank {
  readonly url: string;
  readonly accounts: Map<string, { readonly holder: string; readonly currency: string }>;
  available: number;
  isDown: boolean;
  close(): Promise<void>;
}

export async function startBank(walletUrl: string, clock: { readonly offsetMs: number }): Promise<Bank> {
  const keys = createRemoteJWKSet(new URL(`${walletUrl}/jwks`));
  const used = new Set<string>();
  const state = { available: 100_000, isDown: false };
  const accounts = new Map<string, { readonly holder: string; readonly currency: string }>();
  const listening: Listening = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      answer(Buffer.concat(chunks).toString("utf8")).then(
        ([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
        () => response.writeHead(401).end("{}"),
      );
    });
    const answer = async (text: string): Promise<[number, unknown]> => {
      if (state.isDown) return [503, { error: "unavailable" }];
      const token = (request.headers.authorization ?? "").replace("Bearer ", "");
      const audience = `http://127.0.0.1:${listening.port}`;
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["ES256"],
        issuer: walletUrl,
        subject: walletUrl,
        audience,
        maxTokenAge: "60s",
        currentDate: new Date(Date.now() + clock.offsetMs),
      });
      if (payload.jti === undefined || used.has(payload.jti)) return [401, {}];
      used.add(payload.jti);
      const id = /^\/accounts\/(acc_[A-Za-z0-9_-]{1,64})$/.exec(request.url ?? "")?.[1];
      if (id === undefined || request.method !== "PUT") return [404, {}];
      const { holder, currency } = JSON.parse(text);
      accounts.set(id, { holder, currency });
      return [200, { id, currency, available: state.available, description: "Demo Bank ···· 4242" }];
    };
  });
  return Object.assign(state, { url: `http://127.0.0.1:${listening.port}`, accounts, close: () => listening.close() });
}
