import type { RegistrationObservation } from "./server-observation.ts";
import type { HostFacts, RuleVerdict } from "./server-rules.ts";

type Tried = readonly RegistrationObservation[];

/** How the clients that were registered for a try speak for a host that becomes a client by dynamic registration; undefined when nothing stands against it. */
export function judgeRegistrations(tried: Tried, host: Pick<HostFacts, "registration" | "redirectUris">): RuleVerdict | undefined {
  const answered = tried.filter(({ seen }) => seen !== "nothing");
  if (answered.length > 0 && answered.every((each) => each.seen === "refused" && (each.status === 401 || each.status === 403))) {
    return against(host, "registration", "registration_closed", "The authorization server registers only clients that show a credential of its own.");
  }
  const own = tried.filter(({ redirectUri }) => host.redirectUris.some((pattern) => isInstance(pattern, redirectUri)));
  const lost = own.filter((each) => isAddressRefused(each, tried));
  if (lost.length === 0) return undefined;
  if (lost.length === own.length) {
    return against(host, "redirectUris", "redirect_refused", "The authorization server registers no client that comes back to where this host does.");
  }
  const reason = "The authorization server registers some of the addresses that this host may come back to, and refuses others.";
  return { standing: "unknown", finding: "redirect_partly", reason, fix: openDoor };
}

const openDoor = "Let clients register with the addresses of the hosts that are to be served, or support Client ID Metadata Documents.";

function against(
  { registration }: Pick<HostFacts, "registration">,
  rests: "registration" | "redirectUris",
  finding: string,
  reason: string,
): RuleVerdict {
  const isByHand = registration.includes("preregistered");
  return isByHand
    ? { standing: "falls_back", finding, reason: `${reason} Somebody has to register it.`, fix: openDoor, rests }
    : { standing: "dead", finding, reason, fix: openDoor, rests };
}

/** `{}` stands for an id. */
function isInstance(pattern: string, uri: string): boolean {
  const [before = "", after] = pattern.split("{}");
  return after === undefined ? uri === pattern : uri.startsWith(before) && uri.endsWith(after);
}

/**
 * Refused for its address: the server says so, or it took a client with another one. A failure (429, 5xx) refuses nothing, and a server that refuses everybody
 * may mind something else.
 */
export function isAddressRefused(each: RegistrationObservation, tried: Tried): boolean {
  if (each.seen === "registered") return !each.kept;
  if (each.seen === "nothing" || each.status >= 500 || each.status === 429) return false;
  return each.error === "invalid_redirect_uri" || tried.some(({ seen }) => seen === "registered");
}
