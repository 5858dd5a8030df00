import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame, Page, Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { type CanaryServer, publicMark, startCanaryServer } from "../stack/canary-server.ts";
import { type ModelServer, startModelServer } from "../stack/model-server.ts";
import { partyNames, type Processes, runProcesses } from "../stack/run-processes.ts";

/** Everything that was said at one place, to be searched. */
type Places = Map<string, string>;

declare global {
  interface Window {
    /** Every message that this document was sent, as JSON. */
    heardMessages?: string[];
  }
}

const argument = "canary-argument-5f0c1d9e7b3a";
const modelKey = "canary-model-key-1c9a7be0d2f4";
const apiKey = "canary-api-key-77a1c3f09b5e4d2188aa";

/** The secrets of a whole run go through every party and every kind of failure; then each place is searched for each of them. */
describe("I5 X03 V24 no secret leaves the vault", () => {
  let canary: CanaryServer;
  let model: ModelServer;
  let processes: Processes;
  let person: Person;
  const places: Places = new Map();
  const pageUrls: { readonly url: string; readonly referer: string }[] = [];
  const bodies: Promise<string>[] = [];
  const cookies = new Map<string, string>();

  beforeAll(async () => {
    canary = await startCanaryServer();
    model = await startModelServer();
    processes = await runProcesses({
      host: (guide) => ({
        COUNTERSIGN_HOST_CONNECTORS: JSON.stringify([
          ...JSON.parse(guide["COUNTERSIGN_HOST_CONNECTORS"] ?? "[]"),
          { id: "canary", name: "Canary", url: canary.resource },
        ]),
        COUNTERSIGN_HOST_CLIENTS: JSON.stringify([
          ...JSON.parse(guide["COUNTERSIGN_HOST_CLIENTS"] ?? "[]"),
          { issuer: canary.issuer, client_id: "countersign", client_secret: canary.clientSecret, token_endpoint_auth_method: "client_secret_post" },
        ]),
        COUNTERSIGN_HOST_API_CLIENTS: JSON.stringify([{ id: "shop", name: "Shop", key: apiKey, origins: [] }]),
        COUNTERSIGN_MODEL_URL: model.baseUrl,
        COUNTERSIGN_MODEL_KEY: modelKey,
      }),
    });
    person = await arrive(processes.urls.host);
    await person.browser.context.addInitScript(() => {
      const heard: string[] = [];
      window.heardMessages = heard;
      window.addEventListener("message", (event: MessageEvent<unknown>) => heard.push(JSON.stringify(event.data) ?? ""), true);
    });
    const watch = (page: Page): void => {
      page.on("request", (request) => pageUrls.push({ url: request.url(), referer: request.headers()["referer"] ?? "" }));
      page.on("response", (response) => bodies.push(bodyOf(response)));
    };
    for (const page of person.browser.context.pages()) watch(page);
    person.browser.context.on("page", watch);
    await person.console.page.reload();
    await person.console.connected("canary");
  });

  afterAll(async () => {
    await person?.leave();
    await processes?.stop();
    await canary?.stop();
    model?.close();
  });

  /** Calls the tool and waits until that call is over; gives its error's code, or `completed`. A sign-in that it needs finishes by itself, because its page answers at once. */
  const call = async (): Promise<string> => {
    const before = await person.console.page.getByTestId("call-card").count();
    await person.console.callTool(publicMark, { secret: argument });
    const started = person.console.page.getByTestId("call-card").nth(before);
    await started.waitFor();
    await person.console.page
      .locator(
        `[data-testid="call-card"][data-call-id="${await started.getAttribute("data-call-id")}"]:is([data-state="completed"], [data-state="failed"])`,
      )
      .waitFor();
    if ((await started.getAttribute("data-state")) === "completed") return "completed";
    return (await started.getByTestId("call-error").getAttribute("data-code")) ?? "failed";
  };

  const search = (text: string): readonly string[] => [...places].filter(([, said]) => said.includes(text)).map(([place]) => place);

  it("runs through sign-in, refusals, failures of every kind, renewal, a model's call and sign-out", { timeout: 90_000 }, async () => {
    const session = person.browser.context.request;
    const events = await listenToEvents(processes.urls.host, await person.browser.context.cookies(processes.urls.host));
    canary.grant = "refuse";
    expect(await call()).toBe("flow_failed");
    canary.grant = "fail";
    expect(await call()).toBe("authorization_server_unreachable");
    canary.grant = "grant";
    expect(await call()).toBe("completed");
    canary.answer = "echo";
    expect(await call()).toBe("completed");
    const ends: string[] = [];
    for (const answer of ["tool error", "status 500", "cut off", "malformed", "rpc error", "challenge", "expired"] as const) {
      canary.answer = answer;
      ends.push(`${answer}: ${await call()}`);
    }
    expect(ends).toEqual([
      "tool error: completed",
      "status 500: outcome_unknown",
      "cut off: outcome_unknown",
      "malformed: outcome_unknown",
      "rpc error: protocol_error",
      "challenge: completed",
      "expired: completed",
    ]);
    canary.answer = "echo";
    model.script.push({ tool: publicMark, arguments: { secret: "from the model" } }, { say: "That is all." });
    await person.console.page.getByTestId("chat-input").fill("Use it");
    await person.console.page.getByTestId("chat-send").click();
    await person.console.page.getByText("That is all.").waitFor();
    await person.console.widget.locator("#seen", { hasText: publicMark }).waitFor();
    await person.console.page.evaluate((mark) => fetch(`/nothing/${mark}`), publicMark);
    // No page of the host ever says where it comes from, so a Referer is planted to be found.
    await fetch(`${canary.issuer}/nothing`, { headers: { referer: `${processes.urls.host}/planted` } });
    for (const id of await callIds(person.console.page)) bodies.push((await session.get(`${processes.urls.host}/api/calls/${id}/trace`)).text());
    bodies.push((await session.get(`${processes.urls.host}/callback/${publicMark}?code=x&state=${publicMark}`)).text());
    bodies.push((await session.post(`${processes.urls.host}/api/calls`, { data: `{"secret":"${argument}"` })).text());
    const documents = await Promise.all(person.browser.context.pages().flatMap((page) => page.frames().map(documentOf)));
    for (const cookie of await person.browser.context.cookies()) cookies.set(cookie.name, cookie.value);
    await person.console.connector("canary").getByTestId("connector-toggle").click();
    await person.console.connector("canary").getByTestId("sign-out").click();
    await expect.poll(() => canary.heads.some((head) => head.url === "/revoke")).toBe(true);
    for (const party of partyNames) {
      places.set(`log of ${party}`, processes.running(party).output());
      places.set(`database of ${party}`, readFolder(processes.folder(party)));
    }
    places.set("event stream", await events.stop());
    places.set("answers that pages got", (await Promise.all(bodies)).join("\n"));
    places.set("documents and messages of all frames", documents.join("\n"));
    places.set("what the model was told", JSON.stringify(model.requests));
    places.set("addresses and referers at the server", JSON.stringify(canary.heads.filter((head) => !head.url.startsWith("/authorize?"))));
    places.set("referers at the sign-in page", JSON.stringify(canary.heads.map((head) => head.referer)));
    places.set(
      "addresses and referers of pages",
      JSON.stringify(pageUrls.map(({ url, referer }) => [/\/callback\/|\/authorize\?/.test(url) ? new URL(url).pathname : url, referer])),
    );
  });

  it("looks where there is something to find: the public mark is at each place that can hold it", () => {
    expect(search(publicMark)).toEqual([
      "log of host",
      "database of host",
      "event stream",
      "answers that pages got",
      "documents and messages of all frames",
      "what the model was told",
      "addresses and referers at the server",
      "addresses and referers of pages",
    ]);
    expect(search("/planted")).toContain("referers at the sign-in page");
    expect(search("[redacted]")).toEqual(expect.arrayContaining(["event stream", "what the model was told", "documents and messages of all frames"]));
    expect(search('"party":"wallet"')).toContain("log of wallet");
    expect(search("SQLite format 3")).toHaveLength(partyNames.length);
  });

  it("L07 finds no token, code, state, verifier or key at any place", () => {
    const secrets = new Map([...canary.secrets, ["model key", modelKey], ["API key", apiKey]]);
    for (const [name, value] of cookies) secrets.set(`cookie ${name}`, value);
    for (const party of ["host", "wallet", "store"] as const)
      secrets.set(`${party} key`, readFileSync(join(processes.folder(party), `${party}.key`), "utf8").trim());
    const kinds = new Set([...secrets.keys()].map((name) => name.replace(/ \d+$/, "")));
    for (const kind of ["access token", "refresh token", "code", "state", "verifier", "client secret", "cookie cs_session", "cookie cs_browser"])
      expect([...kinds]).toContain(kind);
    const found = [...secrets].flatMap(([name, secret]) => forms(secret).flatMap((form) => search(form).map((place) => `${name} in ${place}`)));
    expect([...secrets.values()].every((secret) => secret.length >= 16)).toBe(true);
    expect(found).toEqual([]);
  });

  it("finds what the user entered only where the user sees it", () => {
    const shown = ["documents and messages of all frames", "answers that pages got", "event stream"];
    expect(search(argument).filter((place) => !shown.includes(place))).toEqual([]);
  });
});

/** A secret as it might be written: plain, and in the encodings of a dump. */
function forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")].filter(
    (form) => form !== createHash("sha256").update(secret).digest("base64url"),
  );
}

async function bodyOf(response: Response): Promise<string> {
  const type = response.headers()["content-type"] ?? "";
  if (/event-stream|font|image/.test(type) || (response.status() >= 300 && response.status() < 400)) return "";
  return response.text().catch(() => "");
}

function documentOf(frame: Frame): Promise<string> {
  return frame.evaluate(() => [document.documentElement.outerHTML, ...(window.heardMessages ?? []), location.href].join("\n")).catch(() => "");
}

async function callIds(page: Page): Promise<readonly string[]> {
  const ids = await page.locator("[data-call-id]").evaluateAll((elements) => elements.map((element) => element.getAttribute("data-call-id") ?? ""));
  return [...new Set(ids)];
}

/** All files of a party's folder but the key itself, byte for byte. */
function readFolder(folder: string): string {
  const names = readdirSync(folder).filter((name) => !name.endsWith(".key"));
  return names.map((name) => readFileSync(join(folder, name), "latin1")).join("\n");
}

async function listenToEvents(
  origin: string,
  jar: readonly { readonly name: string; readonly value: string }[],
): Promise<{ stop(): Promise<string> }> {
  const abort = new AbortController();
  const cookie = jar.map(({ name, value }) => `${name}=${value}`).join("; ");
  const response = await fetch(`${origin}/api/events`, { headers: { cookie }, signal: abort.signal });
  let heard = "";
  const reading = (async () => {
    for await (const chunk of response.body ?? []) heard += Buffer.from(chunk).toString("utf8");
  })().catch(() => undefined);
  return {
    stop: async () => {
      abort.abort();
      await reading;
      return heard;
    },
  };
}
