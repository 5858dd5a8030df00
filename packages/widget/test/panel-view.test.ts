import { expect, test } from "vitest";
import type { Authorization } from "../src/authorization.ts";
import { panelWords, timeLeft, viewOf } from "../src/panel-view.ts";

const link = "https://wallet.example/device?user_code=BCDF";

test.each<readonly [Authorization, unknown]>([
  [{ state: "idle" }, undefined],
  [{ state: "idle", connection: "signed_in" }, undefined],
  [
    { state: "required", rung: "continue" },
    { kind: "line", text: panelWords.continue, passing: false },
  ],
  [
    { state: "pending", rung: "host_resumes" },
    { kind: "line", text: panelWords.pending, passing: false },
  ],
  [
    { state: "pending", rung: "model" },
    { kind: "line", text: panelWords.asked, passing: false },
  ],
  [{ state: "granted" }, { kind: "line", text: panelWords.granted, passing: true }],
  [{ state: "denied" }, { kind: "line", text: panelWords.denied, passing: false }],
  [{ state: "expired" }, { kind: "line", text: panelWords.expired, passing: false }],
  [
    { state: "required", rung: "link", purpose: "sign_in", link, code: "BCDF", expiresAt: 5 },
    { kind: "link", heading: panelWords.signIn, site: "wallet.example", link, code: "BCDF", expiresAt: 5 },
  ],
  [
    { state: "required", rung: "link", purpose: "approval", link },
    { kind: "link", heading: panelWords.approve, site: "wallet.example", link, code: undefined, expiresAt: undefined },
  ],
  [
    { state: "required", rung: "continue", link },
    { kind: "line", text: panelWords.continue, passing: false },
  ],
])("of %j the panel shows %j", (authorization, expected) => {
  expect(viewOf(authorization, panelWords)).toEqual(expected);
});

test.each([
  [600_000, "10:00"],
  [599_001, "10:00"],
  [9_000, "0:09"],
  [1, "0:01"],
  [0, "0:00"],
  [-5_000, "0:00"],
])("%d ms are %s", (ms, text) => {
  expect(timeLeft(1_000_000 + ms, 1_000_000)).toBe(text);
});
