import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { readConfig } from "@countersign/service/config";
import { createLogger } from "@countersign/service/log";
import { StartupProblem } from "@countersign/service/startup-problem";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { walletConfig } from "../src/config.ts";
import { start } from "../src/main.ts";
import { listen } from "./peers/listen.ts";
import { formOf } from "./peers/browser.ts";
import { lodge } from "./peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld } from "./peers/world.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wallet-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const newKey = () => new Secret(randomBytes(32).toString("base64url"));

function options(changes: Partial<Parameters<typeof start>[0]> = {}): Parameters<typeof start>[0] {
  return {
    publicUrl: "http://localhost:4200",
    listen: 0,
    databaseUrl: "memory:",
    sealingKey: newKey(),
    bankUrl: "http://127.0.0.1:4400",
    clients: [],
    resources: [],
    logger: createLogger("wallet", { level: "silent" }),
    ...changes,
  };
}

describe("starting", () => {
  test.each(["http://127.0.0.1:4200", "https://wallet.example/path", "http://wallet.example", "https://wallet.example/", "ftp://x", "x"])(
    "%s is no public URL for a wallet",
    async (publicUrl) => {
      await expect(start(options({ publicUrl }))).rejects.toThrow(StartupProblem);
    },
  );

  test("a client that proves itself by nothing has no tokens of its own: anybody could lodge payment requests in its name", async () => {
    const open = { client_id: "open", client_name: "Open", token_endpoint_auth_method: "none", grant_types: ["client_credentials"] } as const;
    await expect(start(options({ clients: [open] }))).rejects.toThrow("The client open cannot have client_credentials");
  });

  test("a busy port is one clear sentence", async () => {
    const busy = await listen();
    await expect(start(options({ listen: busy.port }))).rejects.toThrow(/Port \d+ .* already in use/);
    await busy.close();
  });

  test("health and readiness answer", async () => {
    const world = await startWorld();
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(world.url + path)).status).toBe(200);
    await world.close();
  });

  test.each(["//", "//[", "/\\\\[", "//:x/authorize"])("the target %s is answered like any other address, and the wallet goes on", async (target) => {
    const world = await startWorld();
    const { port } = new URL(world.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path: target, headers: { host: `localhost:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.setTimeout(30_000, () => sent.destroy(new Error("no answer")));
      sent.once("error", reject).end();
    });
    expect([400, 404]).toContain(status);
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
    await world.close();
  });

  test("the environment has a default for everything, and says what is wrong", () => {
    const config = readConfig(walletConfig, {});
    expect(config).toMatchObject({
      ok: true,
      value: { publicUrl: "http://localhost:4200", port: 4200, data: ".countersign", bankUrl: "http://127.0.0.1:4400", clients: [] },
    });
    expect(readConfig(walletConfig, { COUNTERSIGN_WALLET_HOSTNAME: "0.0.0.0" })).toMatchObject({ ok: true, value: { hostname: "0.0.0.0" } });
    const clients = [
      {
        client_id: "a",
        client_name: "A",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        redirect_uris: ["http://127.0.0.1/cb"],
      },
    ];
    expect(readConfig(walletConfig, { COUNTERSIGN_WALLET_CLIENTS: JSON.stringify(clients) })).toMatchObject({ ok: true, value: { clients } });
    for (const bad of ["{", "{}", '[{"client_id":"a"}]', JSON.stringify([{ ...clients[0], surprise: 1 }])]) {
      expect(readConfig(walletConfig, { COUNTERSIGN_WALLET_CLIENTS: bad })).toMatchObject({
        ok: false,
        error: [{ env: "COUNTERSIGN_WALLET_CLIENTS" }],
      });
    }
  });

  test("a resource is configured in its canonical form, the only one that is ever found", () => {
    const read = (resource: string) =>
      readConfig(walletConfig, { COUNTERSIGN_WALLET_RESOURCES: JSON.stringify([{ resource, name: "Shop", scopes: {} }]) });
    expect(read("https://shop.example/mcp")).toMatchObject({ ok: true, value: { resources: [{ resource: "https://shop.example/mcp" }] } });
    for (const bad of ["https://SHOP.example/mcp", "https://shop.example/", "https://shop.example:443/mcp", "https://shop.example/a/../mcp"]) {
      expect(read(bad)).toMatchObject({ ok: false, error: [{ env: "COUNTERSIGN_WALLET_RESOURCES" }] });
    }
  });
});

describe("what is kept", () => {
  test("keys, accounts, sessions and refresh tokens survive a restart", async () => {
    const databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
    const sealingKey = newKey();
    const first = await startWorld({ databaseUrl, sealingKey });
    const person = new Person(first);
    const request = authorizationRequest(first);
    const tokens = await redeem(first, codeFields(await person.signUp(request), request));
    const keys = await (await fetch(`${first.url}/jwks`)).text();
    const port = Number(new URL(first.url).port);
    await first.close();

    const second = await startWorld({ databaseUrl, sealingKey, port });
    expect(await (await fetch(`${second.url}/jwks`)).text()).toBe(keys);
    expect((await person.browser.open(authorizationRequest(second).url)).html).toContain("Signed in as Ada");
    expect((await redeem(second, { grant_type: "refresh_token", refresh_token: String(tokens.body["refresh_token"]) })).status).toBe(200);
    await second.close();
  });

  test("a copy of the database holds no token, code, cookie, private key or mandate", async () => {
    const databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
    const world = await startWorld({ databaseUrl });
    const person = new Person(world);
    const { id, request } = await lodge(world, { scope: "orders:read" });
    const payment = await person.register(await person.browser.open(request.url));
    const consent = await person.usePasskey(payment, "/approve");
    const end = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    const tokens = await redeem(world, codeFields(end, request));
    expect(tokens.status).toBe(200);
    const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
    const secrets = [
      String(tokens.body["access_token"]).split(".")[2] ?? "",
      String(tokens.body["refresh_token"]),
      end.searchParams.get("code") ?? "",
      person.browser.cookieValue("wallet_session") ?? "",
      mandate.split(".")[2] ?? "",
      await world.payee.token(),
      '"d":',
    ];
    const payeeToken = await world.payee.token();
    await world.close();
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    expect(bytes.includes(id)).toBe(true);
    for (const secret of [...secrets, payeeToken]) {
      expect(secret.length).toBeGreaterThan(3);
      expect(bytes.includes(secret)).toBe(false);
    }
  });

  test("another sealing key does not open the database", async () => {
    const databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
    await (await start(options({ databaseUrl }))).stop();
    await expect(start(options({ databaseUrl }))).rejects.toThrow("do not belong together");
  });
});
