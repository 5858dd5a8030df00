import type { IncomingMessage } from "node:http";
import type { EpochMs } from "@countersign/protocol/brand";
import { parseClientIdUrl } from "@countersign/protocol/presented-client";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import Provider, { type Client, type KoaContextWithOIDC } from "oidc-provider";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** What a client that presents itself published last: its document as it was judged, or its key set. Public, like its address. */
interface PublishedRecord {
  readonly body: string;
  readonly at: EpochMs;
  /** Whether the client got a token since. */
  readonly used: boolean;
}

const shape = z.object({ body: z.string(), at: z.number(), used: z.boolean() });

export const publishedKind: RecordKind<PublishedRecord> = { name: "client-published", parse: (json) => shape.parse(json) };

const hourMs = 3_600_000;
/** Longer than the pages of one authorization request stay open. */
const unusedTtlMs = hourMs;
/** How long the server of a client in use may be away. */
const usedTtlMs = 7 * 24 * hourMs;
/** Not each fetch is a write. */
const rewriteMs = hourMs / 2;
/** oidc-provider remembers at most 200 documents, each for a minute at least. */
const oldMax = 200;

const beginnings: ReadonlySet<string> = new Set(["authorization", "pushed_authorization_request", "device_authorization"]);

/**
 * For when the server that a client's document or keys come from does not answer: what was begun with a good document is brought to its end, and an app that
 * people use keeps its tokens, with what was published last. Whatever begins anew needs the document as it is now.
 */
export interface PublishedBefore {
  /** Keeps what was fetched and judged: for an hour, and for 7 days if its client got tokens. */
  took(url: string, body: string): Promise<void>;
  /** The server took back what was there, or spoilt it: it counts no longer. */
  refused(url: string): Promise<void>;
  /** What stands in for an answer that did not come to the request at hand; undefined for a beginning, and when nothing is kept. */
  insteadOf(url: string): Promise<string | undefined>;
  /** Whether a client may go on here: a beginning never does with a document that only stood in. */
  mayGoOn(ctx: KoaContextWithOIDC | undefined, clientId: string): boolean;
  /** A client got a token. Nothing for one that published nothing. */
  used(urls: readonly (string | undefined)[]): Promise<void>;
}

export function createPublishedBefore(database: Pick<Database<unknown>, "records">, now: () => EpochMs): PublishedBefore {
  const records = database.records(publishedKind);
  const idOf = (url: string): string => sha256(`client-published\n${url}`);
  const old = new Set<string>();
  return {
    async took(url, body) {
      old.delete(url);
      const found = await records.get(idOf(url), now());
      if (found?.value.body === body && now() - found.value.at < rewriteMs) return;
      const used = found?.value.used ?? false;
      await records.put(idOf(url), { body, at: now(), used }, { expiresAt: now() + (used ? usedTtlMs : unusedTtlMs) });
    },

    async refused(url) {
      old.delete(url);
      await records.delete(idOf(url));
    },

    async insteadOf(url) {
      if (isBeginning(Provider.ctx)) return undefined;
      const found = await records.get(idOf(url), now());
      if (found === undefined) return undefined;
      const [first] = old;
      if (old.size >= oldMax && first !== undefined) old.delete(first);
      old.add(url);
      return found.value.body;
    },

    mayGoOn: (ctx, clientId) => !(isBeginning(ctx) && old.has(clientId)),

    async used(urls) {
      for (const url of urls) {
        const found = url === undefined ? undefined : await records.get(idOf(url), now());
        if (found === undefined || found.value.used) continue;
        // From when it was fetched: being used makes nothing fresh. Whoever writes at the same moment writes the same.
        await records.update(found.id, found.version, { ...found.value, used: true }, { expiresAt: found.value.at + usedTtlMs });
      }
    },
  };
}

/** The pages of an interaction ask outside of oidc-provider: what they belong to has begun. */
function isBeginning(ctx: KoaContextWithOIDC | undefined): boolean {
  return ctx !== undefined && beginnings.has(ctx.oidc.route);
}

/** Notes which clients that publish get tokens. */
export function keepUsedDocuments(provider: Provider, before: PublishedBefore): void {
  const granted = new WeakMap<IncomingMessage, Client>();
  provider.on("grant.success", (ctx) => {
    const { client } = ctx.oidc;
    if (client !== undefined && parseClientIdUrl(client.clientId) !== undefined) granted.set(ctx.req, client);
  });
  provider.use(async (ctx, next) => {
    await next();
    const client = granted.get(ctx.req);
    if (client !== undefined) await before.used([client.clientId, client.jwksUri]);
  });
}
