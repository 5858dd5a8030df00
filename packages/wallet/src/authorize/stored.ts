import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import type { AdapterPayload } from "oidc-provider";
import { sha256 } from "../digest.ts";
import { sealedKind } from "../sealed-json.ts";
import { openPayload } from "./adapter.ts";
import { modelKindName } from "./models.ts";

/** A stored payload of oidc-provider. `recordId` names its record; the payload's own id is in `payload.jti`. */
export interface StoredPayload {
  readonly recordId: string;
  readonly payload: AdapterPayload;
}

/** At most so many are listed. */
const listMax = 200;

/** The live payloads of a model that belong to an account or a client, or are of one grant; unordered, at most 200. */
export async function listStored(
  parts: { readonly database: Pick<Database<unknown>, "records">; readonly sealer: Sealer },
  model: "Grant" | "Session" | "RefreshToken" | "DeviceCode",
  by: { readonly key: "account" | "client" | "grant"; readonly value: string },
  now: EpochMs,
): Promise<readonly StoredPayload[]> {
  const kind = modelKindName(model);
  const found = await parts.database.records(sealedKind(kind)).find(by.key, sha256(by.value), now, { limit: listMax });
  return found.map((each) => ({ recordId: each.id, payload: openPayload(parts.sealer, `${kind}:${each.id}`, each.value) }));
}
