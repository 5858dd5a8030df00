import { describe, expect, test } from "vitest";
import { anonymous, either, oauth2, type ToolAuth } from "../../src/auth.ts";
import { createRules, readDemands, type RuleTables } from "../../src/policy/rules.ts";
import { createScopeHierarchy } from "../../src/policy/scope-hierarchy.ts";

const free = anonymous();
const read = oauth2("read");
const write = oauth2("write");
const hierarchy = createScopeHierarchy();

const tables: RuleTables = {
  tools: { browse: free, "orders.*": read, "orders.cancel": write, "orders.cancel.all*": oauth2("admin"), "": write },
  resources: {
    "orders://*": read,
    "orders://public/*": free,
    "https://store.test/a/*": free,
    "https://store.test/*": read,
    "ui://store/private.html": write,
    "files://my%20file": write,
  },
  prompts: { greet: free, "*": read },
};

const rules = createRules(tables, hierarchy);

describe("a rule", () => {
  test.each<[string, ToolAuth | undefined]>([
    ["browse", free],
    ["Browse", undefined],
    ["browse ", undefined],
    ["browse.more", undefined],
    ["orders.", read],
    ["orders.list", read],
    ["orders", undefined],
    ["orders.cancel", write],
    ["orders.cancel2", read],
    ["orders.cancel.all.mine", oauth2("admin")],
    ["", write],
    ["*", undefined],
    ["toString", undefined],
    [`orders.${"x".repeat(249)}`, read],
    [`orders.${"x".repeat(250)}`, undefined],
    ["orders.x\nrefused status=200", undefined],
    ["__proto__", undefined],
  ])("M08 for the tool %j is that of its exact name, or of the longest prefix", (name, auth) => {
    expect(rules.tool(name)).toEqual(auth);
  });

  test("with an empty prefix is for every name that no other fits", () => {
    expect(rules.prompt("greet")).toEqual(free);
    expect(rules.prompt("anything")).toEqual(read);
  });

  test("lets anyone see a view unless it is named", () => {
    expect(rules.resource("ui://store/shop.html")).toEqual(free);
    const strict = createRules({ tools: {}, resources: { "ui://*": read } }, hierarchy);
    expect(strict.resource("ui://store/shop.html")).toEqual(read);
  });

  test("asks for no more than it needs where a scope implies another", () => {
    const implied = createScopeHierarchy({ write: ["read"] });
    const { tool, scopes } = createRules({ tools: { edit: oauth2("read", "write"), list: oauth2("read") } }, implied);
    expect(tool("edit")?.scope).toEqual(new Set(["write"]));
    expect(scopes).toEqual(new Set(["write", "read"]));
  });

  test("has its star at the end", () => {
    for (const key of ["*x", "a*b", "a**"]) expect(() => createRules({ tools: { [key]: free } }, hierarchy)).toThrow(/"\*"/);
  });
});

const tool = (auth: ToolAuth) => ({ kind: "tool", auth });
const unknown = { kind: "unknown_tool" };

describe("a message", () => {
  test.each([
    ["tools/call", { name: "browse" }, [tool(free)]],
    ["tools/call", { name: "orders.cancel", task: { ttl: 1 } }, [tool(write)]],
    ["tools/call", { name: 1 }, [unknown]],
    ["tools/call", undefined, [unknown]],
    ["prompts/get", { name: "greet" }, [tool(free)]],
    ["resources/read", { uri: "orders://1" }, [tool(read)]],
    ["resources/read", { uri: "orders://public/1" }, [tool(free)]],
    ["resources/read", { uri: "no uri" }, [unknown]],
    ["resources/read", { uri: "other://1" }, [unknown]],
    ["resources/subscribe", { uri: "orders://1" }, [tool(read)]],
    ["subscriptions/listen", { notifications: { toolsListChanged: true } }, [{ kind: "open" }]],
    ["subscriptions/listen", { notifications: { resourceSubscriptions: ["orders://public/1", "orders://1", 1] } }, [tool(free), tool(read), unknown]],
    ["completion/complete", { ref: { type: "ref/prompt", name: "greet" } }, [tool(free)]],
    ["completion/complete", { ref: { type: "ref/resource", uri: "orders://{id}" } }, [tool(read)]],
    ["completion/complete", { ref: { type: "ref/other" } }, [unknown]],
    ["completion/complete", {}, [unknown]],
    ["tools/list", {}, [{ kind: "open" }]],
    ["notifications/cancelled", {}, [{ kind: "open" }]],
    ["tasks/get", { taskId: "t" }, [{ kind: "unknown_method" }]],
    ["Tools/call", { name: "browse" }, [{ kind: "unknown_method" }]],
    ["__proto__", {}, [{ kind: "unknown_method" }]],
  ])("M08 %s %j demands what it touches", (method, params, demands) => {
    expect(readDemands({ jsonrpc: "2.0", id: 1, method, params }, rules)).toEqual(demands);
  });

  test.each([
    ["https://store.test/a/../secret", [free, read]],
    ["https://store.test/a/%2e%2e/secret", [free, read]],
    ["https://store.test/a/./b", [free, free]],
    ["https://STORE.test/secret", [undefined, read]],
    ["https://store.test/a\\..\\secret", [read, read]],
    ["https://store.test/a/..%2Fsecret", [free, free, read]],
    ["orders://public/..%2f1", [free, free, free]],
    ["orders://%70ublic/1", [read, free]],
    ["ui://store/%70rivate.html", [free, write]],
    ["ui://store/pri%76ate.html", [free, write]],
    ["files://my%20file", [write, write]],
    ["files://m%79%20file", [undefined, write]],
  ])("M08 %s is judged as it was sent and as a server may read it", (uri, auths) => {
    const demands = readDemands({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri } }, rules);
    expect(demands).toEqual(auths.map((auth) => (auth === undefined ? unknown : tool(auth))));
  });

  test("of 2026-07-28 has no subscriptions by resource", () => {
    const params = { uri: "orders://1", _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
    expect(readDemands({ jsonrpc: "2.0", id: 1, method: "resources/subscribe", params }, rules)).toEqual([{ kind: "unknown_method" }]);
  });

  test("without a method, a client's answer, demands nothing", () => {
    expect(readDemands({ jsonrpc: "2.0", id: 1, result: {} }, rules)).toEqual([{ kind: "open" }]);
  });

  test("either demands what it says", () => {
    const open = createRules({ tools: { x: either("read") } }, hierarchy);
    expect(readDemands({ method: "tools/call", params: { name: "x" } }, open)).toEqual([tool(either("read"))]);
  });
});
