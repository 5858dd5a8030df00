import { isIP } from "node:net";

/** The header under which a party's handler finds the address of whoever asked. What a client sends under this name is dropped. */
export const clientAddressHeader = "countersign-client-address";

/**
 * The address of whoever asked: the connection's own, or, behind exactly one proxy, the last entry of `X-Forwarded-For`, which is the proxy's word; those before it are the
 * client's and prove nothing.
 */
export function clientAddress(rawHeaders: readonly string[], connection: string | undefined, behindProxy: boolean): string {
  const own = plainAddress(connection ?? "");
  if (!behindProxy) return own;
  const given = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "x-forwarded-for");
  const last = plainAddress((given.at(-1)?.split(",").at(-1) ?? "").trim());
  return isIP(last) === 0 ? own : last;
}

/**
 * What counts as one asker: an IPv4 address, or the first 64 bits of an IPv6 one, for whoever has one address of a network has all of them. Anything else is one asker, too.
 */
export function askerOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("%", 1).join("").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  const all = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...(tail ?? "").split(":")];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/** An IPv4 address that came through an IPv6 socket is an IPv4 address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}
