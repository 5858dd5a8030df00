import { describe, expect, test } from "vitest";
import { createSessionOwners } from "../../src/existing/session-owners.ts";

describe("a session", () => {
  test("M02 is used by nobody before it has begun, and by nobody after its end", () => {
    const owners = createSessionOwners();
    expect(owners.admit("s", "usr_1")).toBe(false);
    owners.begin("s", "usr_1");
    expect(owners.admit("s", "usr_1")).toBe(true);
    owners.end("s");
    expect(owners.admit("s", "usr_1")).toBe(false);
  });

  test("M02 belongs to the first user who signs in within it", () => {
    const owners = createSessionOwners();
    owners.begin("s", undefined);
    expect([owners.admit("s", undefined), owners.admit("s", "usr_1"), owners.admit("s", "usr_1")]).toEqual([true, true, true]);
    expect([owners.admit("s", undefined), owners.admit("s", "usr_2")]).toEqual([false, false]);
  });

  test("that was longest unused is forgotten first, and a refused use does not keep one", () => {
    const owners = createSessionOwners(2);
    owners.begin("a", "usr_1");
    owners.begin("b", "usr_1");
    expect(owners.admit("a", "usr_1")).toBe(true);
    expect(owners.admit("b", "usr_2")).toBe(false);
    owners.begin("c", undefined);
    expect([owners.admit("b", "usr_1"), owners.admit("a", "usr_1"), owners.admit("c", undefined)]).toEqual([false, true, true]);
  });
});
