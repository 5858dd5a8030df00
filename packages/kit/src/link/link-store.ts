import type { EpochMs } from "@countersign/protocol/brand";

/** One stored entry. `version` grows with every change. */
export interface StoredLink {
  readonly body: string;
  readonly version: number;
}

/**
 * Where account links are kept, and the answers of tools that run once for each key. A store needs to know nothing of them. `id` is a digest: of a link's
 * handle, or of a call's key. The `body` of a link is encrypted under a key that only the handle gives, so neither a copy of the store nor the server itself
 * can use a link without the view that it belongs to. Bodies are at most 32 KB.
 */
export interface LinkStore {
  /** Adds an entry. False when the id is taken or there is no room. */
  create(id: string, body: string, expiresAt: EpochMs): Promise<boolean>;
  /** Reads an entry; one that has expired (`expiresAt <= now`) is undefined. */
  read(id: string, now: EpochMs): Promise<StoredLink | undefined>;
  /** Compare-and-set: writes only over this version, and gives the new one; undefined when somebody else was first. */
  replace(id: string, version: number, body: string, expiresAt: EpochMs): Promise<number | undefined>;
  delete(id: string): Promise<void>;
}

const countMaxDefault = 10_000;

/** Keeps entries in this process: for development, and for an app of one process whose users may link again after a restart. */
export function createMemoryLinkStore(options: { readonly clock?: () => EpochMs; readonly countMax?: number } = {}): LinkStore {
  const { clock = Date.now, countMax = countMaxDefault } = options;
  const links = new Map<string, StoredLink & { readonly expiresAt: EpochMs }>();
  const dropExpired = (): void => {
    for (const [id, link] of links) if (link.expiresAt <= clock()) links.delete(id);
  };
  return {
    async create(id, body, expiresAt) {
      if (links.size >= countMax) dropExpired();
      const held = links.get(id);
      if ((held !== undefined && clock() < held.expiresAt) || links.size >= countMax) return false;
      links.set(id, { body, version: 1, expiresAt });
      return true;
    },
    async read(id, now) {
      const link = links.get(id);
      return link !== undefined && now < link.expiresAt ? link : undefined;
    },
    async replace(id, version, body, expiresAt) {
      if (links.get(id)?.version !== version) return undefined;
      links.set(id, { body, version: version + 1, expiresAt });
      return version + 1;
    },
    async delete(id) {
      links.delete(id);
    },
  };
}
