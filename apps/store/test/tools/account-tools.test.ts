import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

describe("whoami and link_status", () => {
  test("tell a guest that nobody is signed in", async () => {
    expect((await town.call("whoami", {})).structured).toEqual({ signed_in: false });
    expect((await town.call("link_status", {})).structured).toEqual({ linked: false, granted: [], missing: ["orders:read", "orders:write"] });
  });

  test("tell a user who they are and what the shop may do for them, by the token alone", async () => {
    const reader = await town.wallet.token("usr_1", "orders:read payment:pr_1");
    expect((await town.call("whoami", { user: "usr_2" }, reader)).structured).toEqual({ signed_in: true, user: "usr_1" });
    expect((await town.call("link_status", {}, reader)).structured).toEqual({ linked: true, granted: ["orders:read"], missing: ["orders:write"] });
    const other = await town.wallet.token("usr_1", "profile");
    expect((await town.call("link_status", {}, other)).structured).toEqual({ linked: true, granted: [], missing: ["orders:read", "orders:write"] });
  });

  test("take no bad token for a guest", async () => {
    expect((await town.call("whoami", {}, "not-a-token")).status).toBe(401);
  });
});
