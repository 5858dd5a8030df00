import type { Sealer } from "@countersign/storage/sealed";
import type { Audit } from "../options.ts";

/** The same sealer, with a line in the audit log for each text that does not open: a key that is missing, or a row that was changed or moved. */
export function watchSealer(sealer: Sealer, audit: Audit): Sealer {
  return {
    keyId: sealer.keyId,
    seal: (plaintext, aad) => sealer.seal(plaintext, aad),
    open: (sealed, aad) => {
      const opened = sealer.open(sealed, aad);
      // The identity begins with the party and the kind, and goes on with whose it is.
      if (!opened.ok) audit("sealed.unreadable", { code: "internal_error", reason: aad.split(":").slice(0, 2).join(":") });
      return opened;
    },
  };
}
