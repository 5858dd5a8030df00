import { createRemoteJWKSet, jwtVerify } from "jose";
import { type JsonAnswer, type Listening, listen, readAnswer } from "./listen.ts";
import { Payee } from "./payee.ts";

/** A bank as far as the wallet sees one: it verifies the wallet's assertion, keeps accounts, and publishes its own key to redeem mandates with. */
export interface Bank {
  readonly url: string;
  readonly accounts: Map<string, { readonly holder: string; readonly currency: string }>;
  available: number;
  isDown: boolean;
  /** `POST /mandates/redeem`, `/mandates/void` or `/mandates/settle` at the wallet, as the bank unless a token is given. */
  ask(action: "redeem" | "void" | "settle", body: unknown, token?: string): Promise<JsonAnswer>;
  close(): Promise<void>;
}

export async function startBank(walletUrl: string, clock: { readonly offsetMs: number }): Promise<Bank> {
  const keys = createRemoteJWKSet(new URL(`${walletUrl}/jwks`));
  const used = new Set<string>();
  const state = { available: 100_000, isDown: false };
  const accounts = new Map<string, { readonly holder: string; readonly currency: string }>();
  let self: Payee | undefined;
  const listening: Listening = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/.well-known/jwks.json") {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(self?.jwks));
        return;
      }
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
  const url = `http://127.0.0.1:${listening.port}`;
  const client = await Payee.make(url, walletUrl);
  self = client;
  const ask = async (action: "redeem" | "void" | "settle", body: unknown, token?: string): Promise<JsonAnswer> => {
    const authorization = `Bearer ${token ?? (await client.token("mandates", "/mandates"))}`;
    const headers = { authorization, "content-type": "application/json" };
    return readAnswer(await fetch(`${walletUrl}/mandates/${action}`, { method: "POST", headers, body: JSON.stringify(body) }));
  };
  return Object.assign(state, { url, accounts, ask, close: () => listening.close() });
}
