import { describe, expect, it } from "vitest";
import { askerOf, clientAddress } from "../src/client-address.ts";

const forwarded = ["Host", "a", "X-Forwarded-For", "203.0.113.9, 198.51.100.7"];

describe("the address of whoever asks", () => {
  it.each([
    ["is the connection's", [], "192.0.2.1", false, "192.0.2.1"],
    ["is the connection's whatever a client says", forwarded, "192.0.2.1", false, "192.0.2.1"],
    ["behind a proxy is the last that the proxy names", forwarded, "192.0.2.1", true, "198.51.100.7"],
    ["behind a proxy is that of its last header", [...forwarded, "x-forwarded-for", "2001:db8::5"], "192.0.2.1", true, "2001:db8::5"],
    ["behind a proxy that names none is the proxy's", [], "192.0.2.1", true, "192.0.2.1"],
    ["behind a proxy that names no address is the proxy's", ["X-Forwarded-For", "unknown"], "192.0.2.1", true, "192.0.2.1"],
    ["is IPv4 through an IPv6 socket too", [], "::ffff:192.0.2.1", false, "192.0.2.1"],
  ])("%s", (_, headers, connection, behindProxy, address) => {
    expect(clientAddress(headers, connection, behindProxy)).toBe(address);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:db8::6", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", ""],
  ])("%s counts as %s", (address, asker) => {
    expect(askerOf(address)).toBe(asker);
  });
});
