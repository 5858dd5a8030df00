import type { LinkHandle } from "@countersign/protocol/account-link";
import type { EpochMs } from "@countersign/protocol/brand";
import { Secret } from "@countersign/protocol/secret";
import { type LinkStep, linkToldMs } from "../policy/judge-link.ts";
import type { DeviceClient } from "./device-client.ts";
import { linkIdOf, type LinkRecord, openLink, sealLink } from "./link-record.ts";
import type { LinkStore } from "./link-store.ts";

/** A record as it was read, with the version that the next write has to find. */
export interface HeldLink<R extends LinkRecord = LinkRecord> {
  readonly record: R;
  readonly version: number;
}

/** The links of an app, opened and closed by their handles. */
export interface LinkShelf {
  readonly clock: () => EpochMs;
  create(handle: LinkHandle, record: LinkRecord): Promise<boolean>;
  read(handle: LinkHandle): Promise<HeldLink | undefined>;
  /** Writes over this version only; undefined when somebody else was first. */
  write(handle: LinkHandle, version: number, record: LinkRecord): Promise<number | undefined>;
  /** Writes down how a link ended that nobody can use any more. */
  close(handle: LinkHandle, version: number, how: "denied" | "expired" | "failed"): Promise<void>;
  /** Deletes a link, and gives its tokens back. */
  forget(handle: LinkHandle, record: LinkRecord | undefined): Promise<void>;
  report(step: LinkStep): void;
}

/** Builds the shelf over a store. */
export function createLinkShelf(options: {
  readonly store: LinkStore;
  readonly client: DeviceClient;
  readonly clock: () => EpochMs;
  readonly report: (step: LinkStep) => void;
}): LinkShelf {
  const { store, client, clock, report } = options;
  const write: LinkShelf["write"] = async (handle, version, record) =>
    await store.replace(linkIdOf(handle), version, await sealLink(handle, record), record.expiresAt + linkToldMs);
  return {
    clock,
    report,
    write,
    create: async (handle, record) => await store.create(linkIdOf(handle), await sealLink(handle, record), record.expiresAt + linkToldMs),
    async read(handle) {
      const stored = await store.read(linkIdOf(handle), clock());
      const record = stored && (await openLink(handle, stored.body));
      return stored && record && { record, version: stored.version };
    },
    async close(handle, version, how) {
      if ((await write(handle, version, { state: "ended", how, expiresAt: clock() })) !== undefined) report(how);
    },
    async forget(handle, record) {
      await store.delete(linkIdOf(handle));
      if (record?.state !== "linked") return;
      report("ended");
      await client.revoke(new Secret(record.refreshToken ?? record.accessToken));
    },
  };
}
