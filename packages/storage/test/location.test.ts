import { describe, expect, it } from "vitest";
import { parseLocation } from "../src/location.ts";

describe("a database URL", () => {
  it.each([
    ["memory:", { engine: "memory" }],
    ["file:/data/wallet.sqlite", { engine: "sqlite", path: "/data/wallet.sqlite" }],
    ["file:///data/a%20b%C3%BC.sqlite", { engine: "sqlite", path: "/data/a bü.sqlite" }],
    ["postgres://u:p@db.internal/countersign", { engine: "postgres", address: "db.internal:5432" }],
    ["postgresql://db:6543/countersign?sslmode=verify-full", { engine: "postgres", address: "db:6543" }],
    ["postgres://db/n?options=-c%20a%3Db&x=1", { engine: "postgres", connectionString: "postgres://db/n?x=1", settings: "-c a=b" }],
    ["postgres://db/n?x=1&options=-c%20a%3Db", { engine: "postgres", connectionString: "postgres://db/n?x=1", settings: "-c a=b" }],
    ["postgres://u@/name?host=%2Frun%2Fpg", { engine: "postgres", address: "/run/pg" }],
  ])("is read: %s", (url, location) => {
    expect(parseLocation(url)).toMatchObject(location);
  });

  it.each([
    "",
    "wallet.sqlite",
    "file:wallet.sqlite",
    "file:./wallet.sqlite",
    "file://host/share.sqlite",
    "mysql://u:canary@h/d",
    "memory",
    "postgres:/x",
    "postgres://u:canary@h:port/d",
  ])("is refused without repeating it: %j", (url) => {
    expect(() => parseLocation(url)).toThrow(
      expect.objectContaining({ name: "StorageError", code: "invalid_url", message: expect.not.stringContaining("canary") }),
    );
  });
});
