import type Provider from "oidc-provider";
import { AlreadyUsed } from "./adapter.ts";

/**
 * oidc-provider looks whether the id of an assertion or proof is there and then writes it. Between the two another request may have written it: the adapter
 * lets one of them write, and here the others learn that it was not the first, so that each caller refuses in its own words.
 */
export function judgeReplayByTheWrite(provider: Provider): void {
  const { ReplayDetection } = provider;
  const unique = ReplayDetection.unique.bind(ReplayDetection);
  ReplayDetection.unique = async (issuer, id, expiresAtSeconds) => {
    try {
      return await unique(issuer, id, expiresAtSeconds);
    } catch (error) {
      if (error instanceof AlreadyUsed) return false;
      throw error;
    }
  };
}
