import { describe, expect, it } from "vitest";
import { showAnswer } from "../src/connector-answer.ts";
import { draftOfConnector, emptyDraft, findProblems, hasAdvanced, settingsOf } from "../src/connector-form.ts";
import { createStore } from "../src/store.ts";
import { readConnector } from "../src/wire.ts";
import { aConnector } from "./fixtures.ts";

const url = "https://store.example/mcp";
const whole = {
  ...emptyDraft,
  url,
  mode: "full" as const,
  authorizationServer: " https://login.example ",
  clientId: "client",
  clientSecret: " kept as typed ",
  tokenEndpointAuthMethod: "client_secret_post",
  scope: "openid  api",
  parameters: "audience=https://api.example?a=b\n\n  organization=acme\n",
};

describe("the connector form", () => {
  it("sends nothing but the mode when the rest is left to be found", () => {
    expect(findProblems({ ...emptyDraft, url })).toEqual({});
    expect(settingsOf({ ...emptyDraft, url })).toEqual({ mode: "auto" });
    expect(hasAdvanced({ ...emptyDraft, url, name: "Mine", mode: "full" })).toBe(false);
  });

  it("refuses an address that others on the way could read, except on this machine", () => {
    expect(findProblems({ ...emptyDraft, url: "http://127.0.0.1:4000/mcp" })).toEqual({});
    expect(findProblems({ ...emptyDraft, url: "http://store.example/mcp" }).url).toContain("https");
    expect(findProblems({ ...whole, authorizationServer: "http://login.example" }).authorizationServer).toContain("https");
  });

  it("sends what was typed, with a value's own equals signs and a secret's own blanks", () => {
    expect(findProblems(whole)).toEqual({});
    expect(settingsOf(whole)).toEqual({
      mode: "full",
      authorizationServer: "https://login.example",
      clientId: "client",
      clientSecret: " kept as typed ",
      tokenEndpointAuthMethod: "client_secret_post",
      scope: "openid  api",
      authorizeParameters: { audience: "https://api.example?a=b", organization: "acme" },
    });
  });

  it("begins a change with what is set, except for the secret", () => {
    const settings = {
      mode: "mixed" as const,
      authorizationServer: "https://login.example",
      clientId: "client",
      hasClientSecret: true,
      tokenEndpointAuthMethod: "",
      scope: "a",
      authorizeParameters: { audience: "x" },
      allowUnadvertisedPkce: true,
      omitResourceParameter: false,
    };
    const draft = draftOfConnector("Mine", url, settings);
    expect(draft).toMatchObject({ name: "Mine", mode: "mixed", clientSecret: "", parameters: "audience=x" });
    expect(hasAdvanced(draft)).toBe(true);
    expect(settingsOf(draft)).not.toHaveProperty("clientSecret");
    expect(settingsOf(draft)).toMatchObject({ allowUnadvertisedPkce: true });
    expect(settingsOf(draft)).not.toHaveProperty("omitResourceParameter");
  });

  it.each([
    ["url", { url: "store.example" }],
    ["url", { url: "ftp://store.example" }],
    ["authorizationServer", { authorizationServer: "login.example" }],
    ["authorizationServer", { clientId: "c", clientSecret: "s" }],
    ["clientId", { authorizationServer: "https://login.example", clientSecret: "s" }],
    ["clientId", { tokenEndpointAuthMethod: "none" }],
    ["parameters", { parameters: "audience" }],
    ["parameters", { parameters: "a b=c" }],
  ] as const)("says beside %s what is wrong with %j", (field, fields) => {
    expect(Object.keys(findProblems({ ...emptyDraft, url, ...fields }))).toEqual([field]);
  });
});

describe("a connector as the host tells of it", () => {
  it("is read with its standing and settings", () => {
    const read = readConnector({
      id: "con_1",
      url,
      name: "Mine",
      mode: "full",
      settings: { mode: "auto", clientId: "c", hasClientSecret: true, authorizeParameters: { audience: "x" } },
      status: "sign_in_required",
      protocol: "2025-11-25",
      error: { code: "access_denied", message: "Access was not granted." },
    });
    expect(read).toMatchObject({
      status: "sign_in_required",
      mode: "full",
      settings: { mode: "auto", clientId: "c", hasClientSecret: true, scope: "", authorizeParameters: { audience: "x" } },
      protocol: "2025-11-25",
      error: { code: "access_denied", message: "Access was not granted." },
    });
    expect(readConnector({ id: "con_1", url, status: "new in a later version" })).toEqual(
      aConnector({ id: "con_1", url, name: url, status: "connecting" }),
    );
  });
});

describe("an answer about a connector", () => {
  it("is shown, but never over what an event told meanwhile", () => {
    const store = createStore();
    const before = store.get().connectors;
    const answered = aConnector({ id: "con_1", status: "connecting" });
    showAnswer(store, before, answered);
    expect(store.get().connectors).toEqual([answered]);
    const beforeChange = store.get().connectors;
    const heard = aConnector({ id: "con_1", status: "sign_in_required" });
    store.dispatch({ type: "connector", connector: heard });
    showAnswer(store, beforeChange, answered);
    expect(store.get().connectors).toEqual([heard]);
  });
});
