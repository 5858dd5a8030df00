import type { EpochMs } from "@countersign/protocol/brand";
import { errors } from "oidc-provider";

const secondsMax = 3_600;
const idLengthMax = 256;

/** Refuses an assertion (RFC 7523 section 3) whose end or id has no bound: the id is kept until the end, so that it is used once. Throws `InvalidClientAuth`. */
export function boundAssertion(claims: Readonly<Record<string, unknown>>, now: EpochMs): void {
  const { exp, jti } = claims;
  if (typeof exp !== "number" || exp > now / 1000 + secondsMax) throw new errors.InvalidClientAuth("exp is at most an hour ahead");
  if (typeof jti !== "string" || jti.length > idLengthMax) throw new errors.InvalidClientAuth(`jti is a text of at most ${idLengthMax} characters`);
}
