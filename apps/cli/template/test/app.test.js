import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { makeApp } from "../app.js";
import { readView, settings } from "../settings.js";
import { makeIssuer } from "./issuer.js";

let issuer;
let app;

before(async () => {
  issuer = await makeIssuer(settings.issuer);
  app = makeApp({ ...settings, viewHtml: readView(), fetch: issuer.fetch });
});

after(() => app.close());

/** Calls a tool as an official client does, without a network. */
async function callTool(name, { token, args = {} } = {}) {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  const transport = new StreamableHTTPClientTransport(new URL(settings.resource), {
    fetch: (url, init) => app.fetch(new Request(url, init)),
    requestInit: token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  try {
    return await client.callTool({ name, arguments: args });
  } finally {
    await client.close();
  }
}

test("the notebook opens without a sign-in", async () => {
  const result = await callTool("open_notebook");
  assert.match(result.structuredContent.tip, /signed in/);
});

test("notes need a sign-in, and the answer says where and for what", async () => {
  const response = await app.fetch(
    new Request(settings.resource, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_notes", arguments: {} } }),
    }),
  );
  assert.equal(response.status, 401);
  assert.match(response.headers.get("www-authenticate"), /scope="notes:read"/);
  assert.match(response.headers.get("www-authenticate"), /resource_metadata="/);
});

test("a signed-in user sees their notes", async () => {
  const token = await issuer.token({ subject: "ada", audience: settings.resource, scope: "notes:read" });
  const result = await callTool("list_notes", { token });
  assert.equal(result.structuredContent.notes[0].title, "Welcome");
});

test("a token for another app is refused", async () => {
  const token = await issuer.token({ subject: "ada", audience: "https://elsewhere.example/mcp", scope: "notes:read" });
  await assert.rejects(callTool("list_notes", { token }));
});
