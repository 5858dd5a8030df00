import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, waitWithoutGesture } from "../pages/console-page.ts";
import { ProbeView } from "../pages/probe-view.ts";
import { type ModelServer, startModelServer } from "../stack/model-server.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";
import { startWidgetApp, type WidgetApp } from "../stack/widget-app.ts";

let app: WidgetApp;
let model: ModelServer;
let stack: TestStack;
let person: Person;

beforeAll(async () => {
  [app, model] = await Promise.all([startWidgetApp(), startModelServer()]);
  stack = await runStack({ connectors: [app.connector], model: { baseUrl: model.baseUrl, model: "scripted" } });
  person = await arrive(stack.urls.console);
  await person.console.connected("probe");
});

afterAll(async () => {
  await person?.leave();
  await stack?.stop();
  await app?.stop();
  model?.close();
});

const open = async (tool: string, words = "first"): Promise<ProbeView> => {
  await person.console.callTool(tool, { words });
  const view = new ProbeView(person.console.page, tool);
  await view.ready();
  return view;
};
const callsOf = (tool: string): WidgetApp["calls"] => app.calls.filter((call) => call.tool === tool);

describe("window.openai", () => {
  let view: ProbeView;
  beforeAll(async () => {
    view = await open("open_openai");
  });

  it("has the call's arguments, its result and the hidden part of it, each under its name", async () => {
    expect(await view.run("toolInput")).toEqual({ toolInput: { words: "first" } });
    expect(await view.run("toolOutput")).toMatchObject({ toolOutput: { opened: true } });
    expect(await view.run("toolResponseMetadata")).toMatchObject({
      metadata: {
        "probe/hidden": "for the view only",
        status: "completed",
        call_tool_result: { structuredContent: { opened: true }, isError: false },
        mcp_tool_result: { structuredContent: { opened: true }, _meta: { "probe/hidden": "for the view only" } },
      },
    });
    expect(await view.run("globals")).toMatchObject({
      displayMode: "inline",
      view: { mode: "inline" },
      authorization: { connection: "signed_out", state: "idle" },
    });
    await view.run("webplus");
    await view.run("requestCheckout");
  });

  it("calls tools of its own server whose visibility includes apps, and gets a typed error for every other", async () => {
    expect(await view.run("callTool")).toMatchObject({ result: { structuredContent: { args: { words: "from openai" } } } });
    expect(await view.run("callModelTool")).toMatchObject({ code: "tool_not_visible" });
    expect(await view.run("callUnknownTool")).toMatchObject({ code: "unknown_tool" });
    expect(callsOf("model_only")).toEqual([]);
  });

  it("tells servers the hints that real hosts send, and no id of this host", async () => {
    const meta = callsOf("echo").at(-1)?.meta ?? {};
    expect(meta).toMatchObject({
      "openai/subject": expect.stringMatching(/^[\w-]{32}$/),
      "openai/session": expect.stringMatching(/^[\w-]{32}$/),
      "openai/widgetSessionId": expect.stringMatching(/^[\w-]{32}$/),
      "openai/userAgent": expect.stringContaining("Chrome"),
    });
    expect(JSON.stringify(meta)).not.toMatch(/usr_|wdg_/);
  });

  it("keeps its state over a reload of the page, at once for itself and bounded", async () => {
    await view.run("setWidgetState");
    expect(await view.run("stateTooLarge")).toMatchObject({ code: "refused" });
    await person.console.page.reload();
    await view.ready();
    const state = { modelContent: "The user chose blue.", privateContent: { page: 2 }, imageIds: [] };
    expect(await view.run("widgetState")).toEqual({ atFirst: state, now: state });
  });

  it("has its follow-up messages shown as the app's words, by both names, and only the model's part of its state told to the model", async () => {
    model.script.push({ say: "Noted." }, { say: "Noted again." }, { say: "It is blue." });
    const { page } = person.console;
    await view.run("sendFollowUpMessage");
    await page.getByTestId("app-text").filter({ hasText: "Follow-up from the view" }).waitFor();
    await page.getByText("Noted.", { exact: true }).waitFor();
    await view.run("sendFollowupTurn");
    await page.getByText("Noted again.").waitFor();
    await view.run("setWidgetState");
    await page.getByTestId("chat-input").fill("What did I choose?");
    await page.getByTestId("chat-send").click();
    await page.getByText("It is blue.").waitFor();
    const asked = JSON.stringify(model.requests.at(-1)?.messages);
    expect(asked).toContain("not from the user]\\nFollow-up from the view");
    expect(asked).toContain("The user chose blue.");
    expect(asked).toContain("A probe of the host's widget bridge");
    expect(asked).not.toContain('"page":2');
    expect(asked).not.toContain("for the view only");
  });

  it("stores files for its app, which the frame and the app's server can fetch", async () => {
    const stored = await view.run("uploadFile");
    expect(stored).toMatchObject({ fileName: "dot.png", mimeType: "image/png" });
    expect(await view.run("getFileDownloadUrl")).toEqual({ width: 1, fetched: stored["size"] });
    expect(await view.run("uploadLarge")).toEqual({ size: 3_000_000 });
    expect(await view.run("fileArgument")).toMatchObject({ result: { structuredContent: { size: stored["size"] } } });
    expect(callsOf("take_file").at(-1)?.args).toMatchObject({ photo: { file_id: stored["fileId"], mime_type: "image/png", file_name: "dot.png" } });
    expect(await view.run("foreignFile")).toMatchObject({ code: "not_found" });
  });

  it("lets the user choose files in the host's own dialog", async () => {
    const { page } = person.console;
    await view.press("selectFiles");
    const dialog = page.getByTestId("file-question");
    await dialog.getByLabel("dot.png").check();
    await dialog.getByTestId("file-input").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
    await dialog.getByText("Give 2").click();
    expect(await view.passed("selectFiles")).toMatchObject({ files: [{ fileName: "dot.png" }, { fileName: "notes.txt", mimeType: "text/plain" }] });
  });

  it("V12 opens other places after a question, declared ones at once with the way back, and scripts never", async () => {
    const { page } = person.console;
    expect(await view.run("openScript")).toMatchObject({ code: "refused" });
    await view.press("openUntrusted");
    await page.getByTestId("link-question").getByText("https://elsewhere.example/page").waitFor();
    await page.getByTestId("link-cancel").click();
    await expect(view.passed("openUntrusted")).rejects.toThrow("not opened");
    for (const [name, query] of [
      ["openTrusted", `?redirectUrl=${encodeURIComponent(`${stack.urls.console}/`)}`],
      ["openTrustedPlain", ""],
    ] as const) {
      const landed = await openedBy(page, () => view.press(name));
      await landed.waitForURL(`${app.origin}/landing${query}`);
      expect(await landed.evaluate(() => window.opener === null)).toBe(true);
      await landed.close();
    }
  });

  it("opens a window of its app in the click and gets the parameters that it came back with", async () => {
    const { page } = person.console;
    expect(await view.run("openForeignPopup")).toMatchObject({ code: "unsafe_url" });
    const popup = await openedBy(page, () => view.press("openAuthPopup"));
    expect(await view.passed("openAuthPopup")).toEqual({ parameters: { linked: "yes", account: "42" } });
    await expect.poll(() => popup.isClosed()).toBe(true);
    expect(app.visits.at(-1)).toMatch(/^\/link\?plan=a&redirectUrl=http/);
    expect(await page.getByTestId("app-window-card").count()).toBe(0);
  });

  it("V07 V08 is shown in full and beside the conversation under the host's own bar, in the user's click only", async () => {
    const { page } = person.console;
    const panel = view.card.getByTestId("widget");
    await view.run("notifyIntrinsicHeight");
    expect((await view.card.getByTestId("widget-frame").boundingBox())?.height).toBe(1200);
    expect(await view.run("fullscreen")).toEqual({ mode: "fullscreen" });
    expect(await panel.getAttribute("data-mode")).toBe("fullscreen");
    expect(await panel.getByTestId("widget-name").innerText()).toContain(`Probe ${new URL(app.origin).host}`);
    expect(await page.getByTestId("chat-input").evaluate((element) => element.closest("[inert]") !== null)).toBe(true);
    await view.run("setOpenInAppUrl");
    await keepPicture(page, "widget-fullscreen");
    await panel.getByTestId("widget-open-in-app").click();
    await page.getByTestId("link-question").getByText(`${app.origin}/landing`).waitFor();
    await page.getByTestId("link-cancel").click();
    await panel.getByTestId("widget-restart").focus();
    await page.keyboard.press("Escape");
    expect(await panel.getAttribute("data-mode")).toBe("inline");
    expect(await page.getByTestId("chat-input").evaluate((element) => element.closest("[inert]") === null)).toBe(true);
    expect(await view.run("pip")).toEqual({ mode: "pip" });
    expect(await panel.getByTestId("widget-name").isVisible()).toBe(true);
    await keepPicture(page, "widget-pip");
    expect(await view.run("inline")).toEqual({ mode: "inline" });
    expect(await view.run("heard")).toMatchObject({ heard: expect.arrayContaining([expect.objectContaining({ displayMode: "pip" })]) });
  });

  it("V08 shows another template of its app in a dialog of the host, which knows its parameters", async () => {
    const { page } = person.console;
    await expect(view.run("foreignModal")).resolves.toMatchObject({ code: "refused" });
    await view.run("requestModal");
    const dialog = page.getByTestId("widget-modal");
    const inside = dialog.getByTestId("widget-frame").contentFrame().locator("iframe").contentFrame();
    await inside.locator("#detail", { hasText: "modal" }).waitFor();
    expect(JSON.parse(await inside.locator("#detail").innerText())).toMatchObject({ view: { mode: "modal", params: { item: 7 } } });
    expect(await dialog.getByTestId("widget-name").innerText()).toContain("Probe");
    await keepPicture(page, "widget-modal");
    await inside.locator("#close").click();
    await dialog.waitFor({ state: "detached" });
  });

  it("is closed when it asks to be, and comes back with its state", async () => {
    await view.press("requestClose");
    await view.card.getByTestId("widget-load").click();
    await view.ready();
    expect(await view.run("widgetState")).toMatchObject({ atFirst: { privateContent: { page: 2 } } });
  });

  it("has its state in another tab, and after a restart of the host", async () => {
    const { page } = person.console;
    const saved = await page.evaluate(() => Object.fromEntries(Object.entries(sessionStorage)));
    const other = await person.browser.newPage();
    await other.addInitScript((entries) => {
      if (window.top !== window) return;
      for (const [key, value] of Object.entries(entries)) sessionStorage.setItem(key, value);
    }, saved);
    await other.goto(stack.urls.console);
    const there = new ProbeView(other, "open_openai");
    await there.ready();
    expect(await there.run("widgetState")).toMatchObject({ atFirst: { privateContent: { page: 2 } } });
    await other.close();
    await stack.restart();
    await page.reload();
    await view.ready();
    expect(await view.run("widgetState")).toMatchObject({ atFirst: { privateContent: { page: 2 } } });
    expect(await view.run("callTool")).toMatchObject({ result: { structuredContent: { args: { words: "from openai" } } } });
  });
});

describe("MCP Apps with the official App class", () => {
  let view: ProbeView;
  beforeAll(async () => {
    view = await open("open_apps", "apps");
  });

  it("announces exactly what works, and the context of the call", async () => {
    const { host, capabilities } = await view.run("initialize");
    expect(host).toBe("Countersign");
    expect(capabilities).toEqual({
      openLinks: {},
      downloadFile: {},
      serverTools: {},
      serverResources: {},
      logging: {},
      message: { text: {} },
      updateModelContext: { text: {}, structuredContent: {} },
      sampling: {},
      sandbox: { permissions: {}, csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] } },
      experimental: { "countersign/authorization": {}, "countersign/open-auth-popup": {} },
    });
    expect(await view.run("context")).toMatchObject({
      context: {
        displayMode: "inline",
        availableDisplayModes: ["inline", "fullscreen", "pip"],
        toolInfo: { tool: { name: "open_apps" } },
        "countersign/authorization": { connection: "signed_out", state: "idle" },
      },
    });
  });

  it("hears input and result once, and every change of the context", async () => {
    const { page } = person.console;
    await page.emulateMedia({ colorScheme: "dark" });
    await view.run("fullscreen");
    await keepPicture(page, "widget-apps-dark");
    await view.run("inline");
    await page.emulateMedia({ colorScheme: "light" });
    const { heard } = await view.run("heard");
    expect(heard).toEqual(
      expect.arrayContaining([
        { kind: "tool-input", value: { words: "apps" } },
        { kind: "tool-result", value: { opened: true } },
        expect.objectContaining({ kind: "host-context-changed", value: expect.objectContaining({ theme: "dark" }) }),
        expect.objectContaining({ kind: "host-context-changed", value: expect.objectContaining({ displayMode: "fullscreen" }) }),
      ]),
    );
    const kinds = (Array.isArray(heard) ? heard : []).map((each: { kind: string }) => each.kind);
    expect(kinds.filter((kind) => kind === "tool-input" || kind === "tool-result" || kind === "tool-input-partial")).toEqual([
      "tool-input",
      "tool-result",
    ]);
  });

  it("calls and lists the tools of its server that apps may see", async () => {
    expect(await view.run("callTool")).toEqual({ structured: { args: { words: "from the App" } } });
    expect(await view.run("callModelTool")).toMatchObject({ code: -32000 });
    const { tools } = await view.run("listTools");
    const names = JSON.stringify(tools);
    expect(names).toContain('"name":"note_teardown"');
    expect(names).not.toContain("model_only");
  });

  it("reads and lists the resources of its own server", async () => {
    expect(await view.run("readResource")).toMatchObject({ read: { contents: [{ uri: "data://probe/note", text: "a note of the server" }] } });
    expect(await view.run("readUnknownResource")).toMatchObject({ message: expect.any(String) });
    expect(await view.run("listResources")).toMatchObject({ listed: expect.arrayContaining(["data://probe/note", "ui://probe/apps.html"]) });
  });

  it("asks the model once the user agreed, and is refused otherwise", async () => {
    const { page } = person.console;
    await view.press("sampling");
    await page.getByTestId("sampling-question").getByText("What is blue?").waitFor();
    await page.getByTestId("sampling-cancel").click();
    await expect(view.passed("sampling")).rejects.toThrow("did not agree");
    model.script.push({ say: "A colour." });
    await view.press("sampling");
    await page.locator('[data-testid="sampling-open"][aria-disabled="false"]').click();
    expect(await view.passed("sampling")).toMatchObject({
      answer: { role: "assistant", content: { type: "text", text: "A colour." }, model: "scripted" },
    });
    expect(JSON.stringify(model.requests.at(-1))).not.toContain("What did I choose?");
  });

  it("saves a file on the user's device once the user agreed", async () => {
    const { page } = person.console;
    await view.press("downloadFile");
    await page.getByTestId("download-question").getByText("report.txt").waitFor();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.locator('[data-testid="download-open"][aria-disabled="false"]').click()]);
    expect(saved.suggestedFilename()).toBe("report.txt");
    expect(await view.passed("downloadFile")).toEqual({ answer: {} });
  });

  it("V21 has its messages and its context told to the model as the app's, bounded", async () => {
    const { page } = person.console;
    model.script.push({ say: "Heard the app." }, { say: "Three mugs." });
    expect(await view.run("message")).toEqual({ answer: {} });
    await page.getByText("Heard the app.").waitFor();
    expect(await view.run("hugeMessage")).toEqual({ answer: { isError: true } });
    expect(await view.run("modelContext")).toEqual({ answer: {} });
    await page.getByTestId("chat-input").fill("How many?");
    await page.getByTestId("chat-send").click();
    await page.getByText("Three mugs.").waitFor();
    const last = model.requests.at(-1)?.messages.at(-1)?.content ?? "";
    expect(last).toContain("[Context from the app “Probe”, not from the user]\nThe cart has 3 mugs.");
  });

  it("has tools of its own that the model calls, in the page that shows the view", async () => {
    const { page } = person.console;
    model.script.push({ tool: "read_view", arguments: { part: "cart" } }, { say: "The view has answered." });
    await page.getByTestId("chat-input").fill("Read the view");
    await page.getByTestId("chat-send").click();
    await page.getByText("The view has answered.").waitFor();
    expect(model.requests.at(-2)?.tools?.map((tool) => tool.function.name)).toContain("view__probe__read_view");
    expect(model.requests.at(-1)?.messages.at(-1)?.content).toContain('read_view of the view got {\\"part\\":\\"cart\\"}');
  });

  it("V07 takes no room without the user's click", async () => {
    const { page } = person.console;
    await open("open_openai", "later");
    const later = new ProbeView(page, "open_openai");
    await later.press("later");
    await waitWithoutGesture(page, "performance.now() > (window.pressedAt ??= performance.now()) + 9000");
    await expect.poll(() => later.frame.locator('[data-check="later"]').getAttribute("data-ok"), { timeout: 12_000 }).toBe("true");
    expect(await later.passed("later")).toEqual({ mode: "inline" });
    expect(await later.card.getByTestId("widget").getAttribute("data-mode")).toBe("inline");
  });

  it("answers links, log lines, pings, sizes, windows and methods that nobody knows", async () => {
    const { page } = person.console;
    expect(await view.run("openScript")).toEqual({ answer: { isError: true } });
    await view.press("openLink");
    await page.getByTestId("link-cancel").click();
    expect(await view.passed("openLink")).toEqual({ answer: { isError: true } });
    await view.run("log");
    expect(await view.run("ping")).toEqual({ answer: {} });
    await view.run("size");
    expect(await view.run("unknownMethod")).toMatchObject({ code: -32601 });
    await openedBy(page, () => view.press("popup"));
    expect(await view.passed("popup")).toEqual({ answer: { parameters: { linked: "yes", account: "42" } } });
  });

  it("is told before it goes, by its own wish and by the user's, and its last call is still made", async () => {
    const { page } = person.console;
    await view.press("requestTeardown");
    await view.card.getByTestId("widget-load").waitFor();
    await expect.poll(() => callsOf("note_teardown").length).toBe(1);
    await view.card.getByTestId("widget-load").click();
    await view.ready();
    await view.card.getByTestId("widget-unload").click();
    await view.card.getByTestId("widget-load").waitFor();
    await expect.poll(() => callsOf("note_teardown").length).toBe(2);
    await page.getByTestId("new-conversation").click();
  });

  it("is shown while its tool still works, and told when the call is cancelled", async () => {
    const { page } = person.console;
    await person.console.callTool("open_slowly", { words: "slow" });
    const slow = new ProbeView(page, "open_slowly");
    await slow.ready();
    expect(await slow.run("heard")).toEqual({ heard: [{ kind: "tool-input", value: { words: "slow" } }] });
    await slow.card.getByTestId("call-stop").click();
    await slow.card.getByTestId("call-error").waitFor();
    await expect.poll(async () => JSON.stringify(await slow.run("heard"))).toContain("tool-cancelled");
    await person.console.callTool("open_slowly", { words: "slow" });
    const second = new ProbeView(page, "open_slowly");
    await second.ready();
    app.release();
    await expect.poll(async () => JSON.stringify(await second.run("heard"))).toContain("tool-result");
  });
});

describe("a phone", () => {
  it("shows picture-in-picture in full, and the host's bar in every mode", async () => {
    const phone = await arrive(stack.urls.console);
    try {
      await phone.console.connected("probe");
      await phone.console.page.setViewportSize({ width: 390, height: 844 });
      await phone.console.callTool("open_openai", { words: "phone" });
      const view = new ProbeView(phone.console.page, "open_openai");
      await view.ready();
      await keepPicture(phone.console.page, "widget-phone");
      expect(await view.run("pip")).toEqual({ mode: "fullscreen" });
      expect(await view.card.getByTestId("widget-name").isVisible()).toBe(true);
      await keepPicture(phone.console.page, "widget-phone-fullscreen");
      expect(phone.pageErrors).toEqual([]);
    } finally {
      await phone.leave();
    }
  });

  it("leaves no script error behind", () => {
    expect(person.pageErrors).toEqual([]);
  });
});
