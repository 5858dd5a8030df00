import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start, startFromEnvironment } from "../src/main.ts";

function listening(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Asks with a Host header of its own, as a proxy does. */
function statusFor(port: number, host: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on("error", reject);
  });
}

const sealingKey = new Secret(Buffer.alloc(32, 5).toString("base64url"));

describe("the bank as a process", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "countersign-bank-main-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("it serves health, readiness and its API on the server it is given, and logs refusals without the credential", async () => {
    const lines: string[] = [];
    const logger = createLogger("bank", { destination: { write: (line) => lines.push(line) } });
    const bank = await start({ listen: await listening(), databaseUrl: "memory:", sealingKey, clients: [], openingBalance: 0, logger });
    expect((await fetch(`${bank.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${bank.url}/readyz`)).status).toBe(200);
    const refused = await fetch(`${bank.url}/payments/pay_1`, {
      headers: { authorization: "Bearer aaa.canary.bbb", "x-request-id": "req-12345678" },
    });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: "invalid_client" });
    await bank.stop();
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: "warn", msg: "client.refused", code: "invalid_client", requestId: "req-12345678" }),
    );
    expect(lines.join("")).not.toContain("canary");
    await expect(fetch(`${bank.url}/healthz`)).rejects.toThrow();
  });

  test("it starts from the environment and stops", async () => {
    const free = await listening();
    const port = portOf(free);
    await new Promise((resolve) => free.close(resolve));
    const bank = await startFromEnvironment({ COUNTERSIGN_DATA: folder, COUNTERSIGN_BANK_PORT: String(port) });
    expect(bank.url).toBe(`http://127.0.0.1:${port}`);
    expect((await fetch(`${bank.url}/readyz`)).status).toBe(200);
    await bank.stop();
  });

  test("a public origin alone says which host is served", async () => {
    const free = await listening();
    const port = portOf(free);
    await new Promise((resolve) => free.close(resolve));
    const bank = await startFromEnvironment({
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_BANK_PORT: String(port),
      COUNTERSIGN_BANK_URL: "https://bank.example",
    });
    expect(await statusFor(port, "bank.example", "/payments/pay_1")).toBe(401);
    expect(await statusFor(port, "evil.example", "/payments/pay_1")).toBe(421);
    expect(await statusFor(port, `127.0.0.1:${port}`, "/payments/pay_1")).toBe(421);
    await bank.stop();
  });

  test("every wrong variable is named", async () => {
    const wrong = { COUNTERSIGN_BANK_PORT: "many", COUNTERSIGN_BANK_CLIENTS: '[{"client_id":"a"}]', COUNTERSIGN_BANK_OPENING_BALANCE: "-1" };
    await expect(startFromEnvironment(wrong)).rejects.toMatchObject({
      name: "StartupProblem",
      sentence: expect.stringMatching(/COUNTERSIGN_BANK_PORT must.*COUNTERSIGN_BANK_OPENING_BALANCE must.*COUNTERSIGN_BANK_CLIENTS must/),
    });
  });

  test("one client listed twice is refused", async () => {
    const client = { client_id: "store", jwks_uri: "http://127.0.0.1/jwks", role: "payee" };
    const twice = JSON.stringify([client, { ...client, role: "wallet" }]);
    await expect(startFromEnvironment({ COUNTERSIGN_BANK_CLIENTS: twice })).rejects.toMatchObject({ name: "StartupProblem" });
  });

  test("a busy port is told with the variable that changes it, and the database is let go", async () => {
    const busy = await listening();
    const environment = { COUNTERSIGN_DATA: folder, COUNTERSIGN_BANK_PORT: String(portOf(busy)) };
    await expect(startFromEnvironment(environment)).rejects.toMatchObject({ sentence: expect.stringContaining("COUNTERSIGN_BANK_PORT") });
    await new Promise((resolve) => busy.close(resolve));
    const bank = await startFromEnvironment(environment);
    await bank.stop();
  });

  test("a data folder that cannot be made is told in one sentence", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(startFromEnvironment({ COUNTERSIGN_DATA: join(file, "data") })).rejects.toMatchObject({ name: "StartupProblem" });
  });
});
