import type { IncomingMessage } from "node:http";
import { calculateJwkThumbprint, decodeProtectedHeader, errors as joseErrors } from "jose";
import type Provider from "oidc-provider";
import type { KoaContextWithOIDC } from "oidc-provider";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { verifyProof } from "../authorize/proof.ts";

const startPath = "/device_authorization";

/** The keys that device authorization requests were sent with. */
const provedKeys = new WeakMap<IncomingMessage, string>();

/**
 * A device that starts with a proof (RFC 9449) binds its device code to that key, as a browser's client binds its code with `dpop_jkt`. oidc-provider would
 * bind the tokens to whatever key comes first to the token endpoint. A proof that is not good is refused with `invalid_dpop_proof`.
 */
export function attendDeviceProofs(
  provider: Provider,
  parts: { readonly issuer: string; readonly database: Pick<Database<unknown>, "records">; readonly now: () => EpochMs },
): void {
  provider.use(async (ctx, next) => {
    const sent = ctx.path === startPath && ctx.method === "POST" ? ctx.get("dpop") : "";
    if (sent !== "") {
      const proof = await verifyProof(parts, sent, { method: "POST", url: parts.issuer + startPath });
      if (!proof.ok) {
        ctx.status = 400;
        ctx.body = { error: "invalid_dpop_proof", error_description: proof.error.detail };
        return;
      }
      provedKeys.set(ctx.req, proof.value);
    }
    await next();
  });
}

/** The thumbprint of the key that this device authorization request was proved with; undefined when it came without a proof. */
export function provedKeyOf(ctx: KoaContextWithOIDC): string | undefined {
  return provedKeys.get(ctx.req);
}

/** Whether a token request comes with a proof of this key. oidc-provider has verified the proof itself before it looks for the device code. */
export async function comesWithKey(ctx: KoaContextWithOIDC, thumbprint: string): Promise<boolean> {
  try {
    const { jwk } = decodeProtectedHeader(ctx.get("dpop"));
    return jwk !== undefined && (await calculateJwkThumbprint(jwk)) === thumbprint;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError || error instanceof TypeError) return false;
    throw error;
  }
}
