import { BlockList, isIP } from "node:net";

/** How far a connection may reach: `public` addresses only, or also this machine and its private networks (for a connector that is local itself). */
export type Reach = "public" | "local";

const never = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  never.addSubnet(network, prefix, "ipv4");
}
never.addSubnet("fe80::", 10, "ipv6");
never.addSubnet("ff00::", 8, "ipv6");
// Link-local IPv4 in the forms that a translator on the way turns back: compatible, NAT64, 6to4, SIIT.
never.addSubnet("::a9fe:0", 112, "ipv6");
never.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
never.addSubnet("2002:a9fe::", 32, "ipv6");
never.addSubnet("::ffff:0:a9fe:0", 112, "ipv6");

const notPublic = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
] as const) {
  notPublic.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  // Unspecified, loopback and the deprecated IPv4-compatible form.
  ["::", 96],
  // IPv4-mapped addresses need no row: BlockList judges them by the IPv4 rules.
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
  ["5f00::", 16],
  ["fc00::", 7],
  ["fec0::", 10],
] as const) {
  notPublic.addSubnet(network, prefix, "ipv6");
}

/**
 * Says whether a connection to this resolved IP address is allowed. Link-local (cloud metadata), multicast and reserved ranges never are.
 * Anything that is not an IP address is refused.
 */
export function mayReachAddress(address: string, reach: Reach): boolean {
  const family = isIP(address);
  if (family === 0) {
    return false;
  }
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (never.check(address, kind)) {
    return false;
  }
  return reach === "local" || !notPublic.check(address, kind);
}
