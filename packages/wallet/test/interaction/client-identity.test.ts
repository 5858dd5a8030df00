import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadedPage } from "../peers/browser.ts";
import { enterCode, startDevice } from "../peers/devices.ts";
import { hosts, Published } from "../peers/published.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

const published = new Published();
let world: World;
beforeAll(async () => {
  for (const each of Object.values(hosts)) published.document(each);
  world = await startWorld({ fetchPresented: published.fetch });
});
afterAll(() => world.close());

const warning = 'class="notice notice-warn"';

async function consentOf(client_id: string, redirect_uri: string): Promise<LoadedPage> {
  const person = new Person(world);
  return person.register(await person.browser.open(authorizationRequest(world, { client_id, redirect_uri }).url));
}

let at = 0;
/** A client of its own that calls itself so. */
function named(client_name: unknown): string {
  at += 1;
  const client_id = `https://apps.example/${at}.json`;
  const document = { ...hosts.claude, client_id, client_uri: "https://apps.example", redirect_uris: ["https://apps.example/cb"], client_name };
  published.document(document);
  return client_id;
}

describe("who asks, on the consent page", () => {
  test("a client of a document: the host that it came from, before the name that it gave itself", async () => {
    const { html } = await consentOf(hosts.claude.client_id, hosts.claude.redirect_uris[0]);
    expect(html).toMatch(/<strong>claude\.ai<\/strong>[\s\S]*<h1>Allow Claude\?<\/h1>/);
    expect(html).toContain("You will return to claude.ai.");
    expect(html).not.toContain(warning);
  });

  test("O33 a client on this device: a warning, and where the answer goes", async () => {
    const { html } = await consentOf(hosts.claudeCode.client_id, "http://127.0.0.1:52163/callback");
    expect(html).toContain(warning);
    expect(html).toContain("runs on your device, where other programs can use its name");
    expect(html).toContain("You will return to this device (127.0.0.1:52163).");
    expect((await consentOf(hosts.vsCode.client_id, "https://vscode.dev/redirect")).html).not.toContain(warning);
  });

  test("a configured client keeps the operator's word", async () => {
    const { html } = await consentOf("countersign-host", "http://127.0.0.1:4100/callback/abc");
    expect(html).toContain("Allow Countersign Console?");
    expect(html).not.toContain(warning);
  });

  test.each([
    "Wallet Support",
    "\u202etroppuS Countersign",
    "Ｗａｌｌｅｔ",
    "Harbour\u200b Goods",
    "Countersign C\u043ensole",
    "\u202e\u200b",
    undefined,
  ])("O35 a client that calls itself %j is shown as its host", async (name) => {
    const { html } = await consentOf(named(name), "https://apps.example/cb");
    expect(html).toContain("<h1>Allow apps.example?</h1>");
    expect(html).not.toMatch(/[\u202e\u200b]/);
  });

  test("O35 markup and marks in a name are shown as text, on one line", async () => {
    const { html } = await consentOf(named("<b>Zed</b>\u202e  editor"), "https://apps.example/cb");
    expect(html).toContain("<h1>Allow &lt;b&gt;Zed&lt;/b&gt; editor?</h1>");
  });
});

describe("who asks, on the device page", () => {
  test("a client of a document: its name with the host that it came from", async () => {
    const device = await startDevice(world, { client_id: hosts.vsCode.client_id });
    expect(device.answer.status).toBe(200);
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, device.userCode));
    expect(page.html).toContain("Visual Studio Code (vscode.dev)");
  });

  test("D09 a document that does not name the device grant gets none", async () => {
    expect((await startDevice(world, { client_id: hosts.claude.client_id })).answer).toMatchObject({
      status: 400,
      body: { error: "unauthorized_client" },
    });
  });
});

describe("a client on this device", () => {
  test("O33 is never answered silently, though its user has allowed it before", async () => {
    const redirect_uri = "http://localhost:61000/callback";
    const ask = (more: Record<string, string> = {}) => authorizationRequest(world, { client_id: hosts.claudeCode.client_id, redirect_uri, ...more });
    const person = new Person(world);
    const request = ask();
    const first = await person.signUp(request);
    expect(await redeem(world, { ...codeFields(first, request), client_id: hosts.claudeCode.client_id, redirect_uri })).toMatchObject({
      status: 200,
    });
    const silent = new URL((await person.browser.open(ask({ prompt: "none" }).url)).url);
    expect([silent.searchParams.get("error"), silent.searchParams.has("code")]).toEqual(["consent_required", false]);
    expect((await person.browser.open(ask().url)).html).toContain("this device (localhost:61000)");
  });

  test("one that returns to its own site may be answered silently", async () => {
    const person = new Person(world);
    const ask = (more: Record<string, string> = {}) =>
      authorizationRequest(world, { client_id: hosts.claude.client_id, redirect_uri: hosts.claude.redirect_uris[0], ...more });
    await person.signUp(ask());
    expect(new URL((await person.browser.open(ask({ prompt: "none" }).url)).url).searchParams.has("code")).toBe(true);
  });
});
