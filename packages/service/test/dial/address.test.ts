import { describe, expect, it } from "vitest";
import { mayReachAddress } from "../../src/dial/address.ts";

const publicAddresses = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1"];
const localAddresses = [
  "127.0.0.1",
  "127.8.9.1",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "::1",
  "fd00::1",
  "::127.0.0.1",
];
const neverAddresses = [
  "0.0.0.0",
  "169.254.169.254",
  "224.0.0.1",
  "255.255.255.255",
  "fe80::1",
  "ff02::1",
  "::ffff:169.254.169.254",
  "64:ff9b::a9fe:a9fe",
  "2002:a9fe:a9fe::",
  "::169.254.169.254",
  "::ffff:0:169.254.169.254",
];
const embedded = ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::ffff:0:10.0.0.1", "3fff::1", "5f00::1", "::"];

describe("M09 which addresses a connection may reach", () => {
  it.each(publicAddresses)("%s from everywhere", (address) => {
    expect(mayReachAddress(address, "public")).toBe(true);
    expect(mayReachAddress(address, "local")).toBe(true);
  });
  it.each(localAddresses)("%s only for a connector that is local itself", (address) => {
    expect(mayReachAddress(address, "public")).toBe(false);
    expect(mayReachAddress(address, "local")).toBe(true);
  });
  it.each(neverAddresses)("%s never", (address) => {
    expect(mayReachAddress(address, "public")).toBe(false);
    expect(mayReachAddress(address, "local")).toBe(false);
  });
  it.each(embedded)("%s not from a public connector", (address) => {
    expect(mayReachAddress(address, "public")).toBe(false);
  });
  it.each(["", "localhost", "127.1", "0x7f.1", "1.2.3.4.5"])("%j is no address", (text) => {
    expect(mayReachAddress(text, "local")).toBe(false);
  });
});
