import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Browser, consoleOrigin, World } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

const fileShape = z.object({ fileId: z.string(), fileName: z.string(), mimeType: z.string(), size: z.number() });
const png = Buffer.from("89504e470d0a1a0a0000", "hex");

async function begin(): Promise<{ readonly browser: Browser; readonly widgetId: string }> {
  world = await World.start({
    tools: { browse: {}, scan: { meta: { "openai/fileParams": ["photo", "pages"] }, annotations: { readOnlyHint: true } } },
  });
  const browser = world.browser();
  await browser.open();
  // The second visit makes the session a long one.
  await browser.open();
  return { browser, widgetId: await browser.openWidget() };
}

const upload = (browser: Browser, widgetId: string, name: string, type: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> =>
  browser.fetch(`/api/widgets/${widgetId}/files?name=${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { origin: consoleOrigin, "content-type": type },
    body: bytes,
  });
const uploaded = async (
  browser: Browser,
  widgetId: string,
  name = "a.png",
  type = "image/png",
  bytes: Buffer = png,
): Promise<z.infer<typeof fileShape>> => fileShape.parse(await (await upload(browser, widgetId, name, type, new Uint8Array(bytes))).json());
const link = async (browser: Browser, widgetId: string, fileId: string): Promise<string> =>
  z.object({ downloadUrl: z.string() }).parse(await (await browser.post(`/api/widgets/${widgetId}/file-links`, { fileId })).json()).downloadUrl;

describe("files that users give to apps", () => {
  it("come back by a link on the app's own origin, for ten minutes and without a cookie", async () => {
    const { browser, widgetId } = await begin();
    const file = await uploaded(browser, widgetId, "../Grüße\u202e.png");
    expect(file).toMatchObject({ fileName: "Grüße.png", mimeType: "image/png", size: 10 });
    const url = await link(browser, widgetId, file.fileId);
    expect(url).toMatch(/^http:\/\/app-[0-9a-f]{24}\.localhost:4101\/file\/[\w-]{43}$/);
    const served = await world.host.widgetFetch(new Request(url));
    expect(Buffer.from(await served.arrayBuffer())).toEqual(png);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      "content-type": "image/png",
      "content-disposition": "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.png",
      "content-security-policy": "default-src 'none'; sandbox",
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
    });
    world.offsetMs = 10 * 60 * 1000 + 1;
    expect((await world.host.widgetFetch(new Request(url))).status).toBe(404);
    expect(await (await browser.fetch(`/api/widgets/${await browser.openWidget()}/files`)).json()).toMatchObject({
      files: [{ fileId: file.fileId }],
    });
    world.offsetMs = 24 * 60 * 60 * 1000 + 1;
    expect(await (await browser.fetch(`/api/widgets/${await browser.openWidget()}/files`)).json()).toEqual({ files: [] });
  });

  it.each([
    ["a page", "text/html", Buffer.from("<script>1</script>")],
    ["a drawing", "image/svg+xml", Buffer.from("<svg/>")],
    ["bytes that are no picture", "image/png", Buffer.from("<script>1</script>")],
    ["no type at all", "nonsense", Buffer.from("x")],
  ])("%s is served as bytes to save, never as something that runs", async (_, type, bytes) => {
    const { browser, widgetId } = await begin();
    const file = await uploaded(browser, widgetId, "a.html", type, bytes);
    const served = await world.host.widgetFetch(new Request(await link(browser, widgetId, file.fileId)));
    expect(served.headers.get("content-type")).toBe("application/octet-stream");
  });

  it("V14 at most 10 MB each, none empty, and twenty of one user, in parallel too", async () => {
    const { browser, widgetId } = await begin();
    expect((await upload(browser, widgetId, "big", "text/plain", new Uint8Array(10 * 1024 * 1024 + 1))).status).toBe(413);
    expect((await upload(browser, widgetId, "none", "text/plain", new Uint8Array(0))).status).toBe(400);
    const answers = await Promise.all(Array.from({ length: 25 }, () => upload(browser, widgetId, "a.png", "image/png", new Uint8Array(png))));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 20 }, () => 201),
      ...Array.from({ length: 5 }, () => 429),
    ]);
  });

  it("V20 belong to one user and one connector", async () => {
    const { browser, widgetId } = await begin();
    const { fileId } = await uploaded(browser, widgetId);
    expect((await browser.post(`/api/widgets/${widgetId}/file-links`, { fileId })).status).toBe(201);
    const connectorId = z.object({ id: z.string() }).parse(await (await browser.post("/api/connectors", { url: `${world.server.url}?b` })).json()).id;
    const foreign = await browser.openWidget(connectorId);
    expect((await browser.post(`/api/widgets/${foreign}/file-links`, { fileId })).status).toBe(404);
    const other = world.browser();
    await other.open();
    expect((await other.post(`/api/widgets/${await other.openWidget()}/file-links`, { fileId })).status).toBe(404);
    expect((await other.post(`/api/widgets/${widgetId}/file-links`, { fileId })).status).toBe(404);
  });

  it("reach a tool by its file arguments with an address that the server can fetch, made when the call is sent", async () => {
    const { browser, widgetId } = await begin();
    const { fileId } = await uploaded(browser, widgetId);
    const call = await browser.call("scan", { photo: { file_id: fileId, note: "front" }, pages: [{ file_id: fileId }], other: { file_id: fileId } });
    expect((await browser.settled(call.id)).state).toBe("completed");
    const sent = world.server.executions[0]?.arguments ?? {};
    expect(sent).toMatchObject({
      photo: { file_id: fileId, note: "front", mime_type: "image/png", file_name: "a.png" },
      pages: [{ file_id: fileId }],
      other: { file_id: fileId },
    });
    expect(sent["other"]).toEqual({ file_id: fileId });
    const { download_url: address } = z.object({ download_url: z.string() }).parse(sent["photo"]);
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:4100\/files\/[\w-]{43}$/);
    const fetched = await world.host.fetch(new Request(address));
    expect(Buffer.from(await fetched.arrayBuffer())).toEqual(png);
  });

  it("a file argument that names another user's file is refused, and the server hears nothing", async () => {
    const { browser, widgetId } = await begin();
    const { fileId } = await uploaded(browser, widgetId);
    const other = world.browser();
    await other.open();
    const call = await other.settled((await other.call("scan", { photo: { file_id: fileId } })).id);
    expect(call.error?.code).toBe("invalid_arguments");
    expect(world.server.executions).toEqual([]);
  });
});
