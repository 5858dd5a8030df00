import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartupProblem } from "@countersign/service/startup-problem";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseLocalApp, readLocalApp, requireDistinctApps } from "../src/local-app.ts";

const app = {
  name: "notes",
  title: "Notes",
  resource: "http://127.0.0.1:4500/mcp",
  issuer: "http://localhost:4200",
  scopes: { "notes:read": "Read your notes" },
};

describe("the description of an app", () => {
  test.each([
    ["as `countersign new` writes it", app],
    ["without scopes", { ...app, scopes: {} }],
    ["of a payee", { ...app, payee: "notes-shop" }],
    ["of an app that asks for account links", { ...app, linkClient: "notes" }],
    ["of both", { ...app, payee: "notes-shop", linkClient: "notes" }],
  ])("is read %s", (_, value) => {
    expect(parseLocalApp(value)).toEqual({ ok: true, value });
  });

  test.each([
    ["no object", [app], "it is no object"],
    ["a member that means nothing", { ...app, scope: {} }, "it has members other than name, title, resource, issuer, scopes, payee, linkClient"],
    ["a name with a space", { ...app, name: "my notes" }, "name is not small letters, digits and hyphens"],
    ["a name that is too long", { ...app, name: "n".repeat(33) }, "name is not small letters, digits and hyphens"],
    ["the store's name", { ...app, name: "store" }, "name is not small letters, digits and hyphens"],
    ["a title with a line break", { ...app, title: "No\ntes" }, "title is not a text of at most 120 characters"],
    ["a resource that is no address", { ...app, resource: "notes" }, "resource is not the canonical address of an MCP endpoint"],
    ["a resource in another form", { ...app, resource: "HTTP://127.0.0.1:4500/mcp" }, "resource is not the canonical address of an MCP endpoint"],
    ["no issuer", { ...app, issuer: undefined }, "issuer is not the address of an authorization server"],
    ["a plain http issuer elsewhere", { ...app, issuer: "http://wallet.example" }, "issuer is not the address of an authorization server"],
    ["two scopes in one name", { ...app, scopes: { "a b": "Both" } }, "scopes is not an object with a line of text for each scope"],
    ["a scope without a line", { ...app, scopes: { a: "" } }, "scopes is not an object with a line of text for each scope"],
    ["scopes as a list", { ...app, scopes: ["a"] }, "scopes is not an object with a line of text for each scope"],
    ["the store's payee", { ...app, payee: "store" }, "payee is not a client id of its own"],
    ["no payee at all", { ...app, payee: null }, "payee is not a client id of its own"],
    ["the console's client", { ...app, linkClient: "countersign-host" }, "linkClient is not a client id of its own"],
    ["one id for both", { ...app, payee: "notes", linkClient: "notes" }, "linkClient and payee are the same; each needs a client id of its own"],
  ])("is refused with %s", (_, value, error) => {
    expect(parseLocalApp(value)).toEqual({ ok: false, error });
  });
});

describe("the file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "local-app-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const write = (text: string): void => writeFileSync(join(folder, "countersign.json"), text);

  test("is read from the app's folder", () => {
    write(JSON.stringify(app));
    expect(readLocalApp(folder)).toEqual(app);
  });

  test("says in one sentence that it is missing, too large, no JSON or no description", () => {
    expect(() => readLocalApp(folder)).toThrow(/^There is no app to read at .*countersign\.json; --app takes a folder with a countersign\.json\.$/);
    write(" ".repeat(16_385));
    expect(() => readLocalApp(folder)).toThrow(/is larger than 16384 bytes\.$/);
    write("{");
    expect(() => readLocalApp(folder)).toThrow(/countersign\.json is not JSON\.$/);
    write(JSON.stringify({ ...app, title: "" }));
    expect(() => readLocalApp(folder)).toThrow(/does not describe an app: title is not a text of at most 120 characters\.$/);
  });
});

test("the description in the guide for a server that is there already is one", () => {
  const guide = readFileSync(new URL("../../../docs/guides/protect-a-server.md", import.meta.url), "utf8");
  const described: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(guide)?.[1] ?? "");
  expect(parseLocalApp(described)).toEqual({ ok: true, value: described });
});

describe("several apps", () => {
  test("may stand side by side at one wallet", () => {
    const other = { ...app, name: "more", resource: "http://127.0.0.1:4501/mcp" };
    expect(() =>
      requireDistinctApps(
        [
          { ...app, payee: "one" },
          { ...other, payee: "two" },
        ],
        app.issuer,
      ),
    ).not.toThrow();
  });

  test.each([
    ["name", { resource: "http://127.0.0.1:4501/mcp" }],
    ["address", { name: "more" }],
    ["payee", { name: "more", resource: "http://127.0.0.1:4501/mcp", payee: "one" }],
    ["client id", { name: "more", resource: "http://127.0.0.1:4501/mcp", linkClient: "one" }],
  ])("are refused when two have the same %s", (_, change) => {
    expect(() =>
      requireDistinctApps(
        [
          { ...app, payee: "one" },
          { ...app, ...change },
        ],
        app.issuer,
      ),
    ).toThrow(StartupProblem);
  });

  test("are refused when one takes its tokens from another wallet", () => {
    expect(() => requireDistinctApps([app], "http://localhost:4300")).toThrow(
      /takes tokens from http:\/\/localhost:4200, but this wallet is http:\/\/localhost:4300; make that the issuer in the app's countersign\.json\.$/,
    );
  });
});
