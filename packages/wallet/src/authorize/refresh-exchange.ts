import type { IncomingMessage } from "node:http";
import type { Database } from "@countersign/storage/database";
import Provider from "oidc-provider";

type Transaction = Database<unknown>;

/**
 * What an exchange of a refresh token writes. oidc-provider consumes the token, saves its successor and signs the answer one after the other; each would be a
 * commit of its own, and a crash in between would leave a client with a spent token and no answer. So the two writes wait for the answer, and all three are
 * one transaction, whose first statement decides who exchanges the token.
 */
interface RefreshExchange {
  readonly consume: (tx: Transaction) => Promise<boolean>;
  saveSuccessor: (tx: Transaction) => Promise<void>;
}

const exchanges = new WeakMap<IncomingMessage, RefreshExchange>();

/** Puts the consumption of a refresh token off until {@link settleExchange}; false outside of a token request. `consume` says whether it was the first. */
export function holdConsumption(consume: RefreshExchange["consume"]): boolean {
  const ctx = Provider.ctx;
  if (ctx?.oidc.route !== "token") return false;
  exchanges.set(ctx.req, { consume, saveSuccessor: () => Promise.reject(new Error("a refresh token is exchanged for another one")) });
  return true;
}

/** Puts the write of a refresh token's successor off until {@link settleExchange}; false when the token has no predecessor that is being exchanged. */
export function holdSuccessor(save: RefreshExchange["saveSuccessor"]): boolean {
  const ctx = Provider.ctx;
  const exchange = ctx === undefined ? undefined : exchanges.get(ctx.req);
  if (exchange === undefined) return false;
  exchange.saveSuccessor = save;
  return true;
}

/**
 * Consumes the refresh token of a request, saves its successor, and keeps the answer with `keep`: all or nothing, and once. False when the token was exchanged
 * by another request, or has ended meanwhile: then nothing is written, and the answer that was made must not be sent.
 */
export async function settleExchange(
  database: Database<unknown>,
  request: IncomingMessage,
  keep: (tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const exchange = exchanges.get(request);
  if (exchange === undefined) throw new Error("no refresh token was consumed in this request");
  exchanges.delete(request);
  return database.transaction(async (tx) => {
    if (!(await exchange.consume(tx))) return false;
    await exchange.saveSuccessor(tx);
    await keep(tx);
    return true;
  });
}
