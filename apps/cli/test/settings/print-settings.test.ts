import { expect, test } from "vitest";
import { partyNames, parties } from "../../src/settings/parties.ts";
import { printSettings } from "../../src/settings/print-settings.ts";
import { paperTerminal } from "../../testing/paper-terminal.ts";

const secretText = "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret-s";

test("every setting of every party is printed with its type, what it does, its value and its source", () => {
  const paper = paperTerminal();
  expect(printSettings({ command: "config", party: undefined, json: false }, { COUNTERSIGN_LOG: "debug" }, paper)).toBe("done");
  for (const name of partyNames) {
    expect(paper.printed()).toContain(`${name}: ${parties[name].title}`);
    for (const { env } of Object.values(parties[name].schema)) expect(paper.printed()).toContain(env);
  }
  expect(paper.printed()).toContain(
    "  COUNTERSIGN_LOG=debug  (environment)\n      debug | info | warn | error | silent. Least important log lines to print.\n",
  );
  expect(paper.printed()).toContain("  COUNTERSIGN_HOST_PORT=4100  (default)\n      port. Port of the console.\n");
});

test("the value of no setting that can hold a secret is printed, in words or as JSON", () => {
  const env: Record<string, string> = {};
  for (const name of partyNames) {
    for (const { env: variable, secret, type } of Object.values(parties[name].schema)) if (secret || type === "JSON") env[variable] = secretText;
  }
  for (const json of [false, true]) {
    const paper = paperTerminal();
    printSettings({ command: "config", party: undefined, json }, env, paper);
    expect(paper.printed()).toContain("COUNTERSIGN_MODEL_KEY");
    expect(paper.printed()).not.toContain(secretText);
  }
});

test("credentials in a setting that takes none are not printed", () => {
  const env = {
    COUNTERSIGN_MODEL_URL: `https://me:${secretText}@model.example/v1`,
    COUNTERSIGN_WALLET_CLIENTS: JSON.stringify([{ client_id: "a", client_secret: secretText }]),
  };
  for (const json of [false, true]) {
    const paper = paperTerminal();
    expect(printSettings({ command: "config", party: undefined, json }, env, paper)).toBe("usage");
    expect(paper.printed()).not.toContain(secretText);
  }
});

test("a value that is not valid is named with what is wrong, and the command ends with that", () => {
  const paper = paperTerminal();
  expect(printSettings({ command: "config", party: "bank", json: false }, { COUNTERSIGN_BANK_PORT: "many" }, paper)).toBe("usage");
  expect(paper.printed()).toContain("NOT VALID: it must be a whole number from 0 to 65535.");
  const asJson = paperTerminal();
  expect(printSettings({ command: "config", party: "bank", json: true }, { COUNTERSIGN_BANK_PORT: "many" }, asJson)).toBe("usage");
  expect(JSON.parse(asJson.printed())).toMatchObject({
    parties: [
      { party: "bank", settings: expect.arrayContaining([expect.objectContaining({ env: "COUNTERSIGN_BANK_PORT", problem: expect.any(String) })]) },
    ],
  });
});

test("an unknown party is refused with the one that was probably meant", () => {
  const paper = paperTerminal();
  expect(printSettings({ command: "config", party: "walet", json: true }, {}, paper)).toBe("usage");
  expect(paper.printed()).toBe("");
  expect(paper.told()).toMatch(/^countersign: there is no party “walet”\. Did you mean wallet\? There are up, .*bank\.\n$/);
});
