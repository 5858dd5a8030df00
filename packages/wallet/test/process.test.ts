import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signUp } from "../testing/sign-up.ts";
import { listen, readAnswer } from "./peers/listen.ts";

const main = join(import.meta.dirname, "../src/main.ts");
const callback = "https://app.example/cb";
const resource = "http://127.0.0.1:4300/mcp";

let data: string;
let environment: Record<string, string>;
let url: string;
let running: ChildProcess | undefined;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "wallet-"));
  const free = await listen();
  url = `http://localhost:${free.port}`;
  await free.close();
  environment = {
    PATH: process.env["PATH"] ?? "",
    COUNTERSIGN_DATA: data,
    COUNTERSIGN_WALLET_URL: url,
    COUNTERSIGN_WALLET_PORT: new URL(url).port,
    COUNTERSIGN_WALLET_CLIENTS: JSON.stringify([
      {
        client_id: "app",
        client_name: "App",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [callback],
      },
    ]),
    COUNTERSIGN_WALLET_RESOURCES: JSON.stringify([{ resource, name: "Shop", scopes: { "orders:read": "See your orders" } }]),
  };
});
afterEach(async () => {
  await end("SIGKILL");
  rmSync(data, { recursive: true, force: true });
});

async function begin(): Promise<void> {
  const child = spawn(process.execPath, [main], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
  running = child;
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  await expect.poll(isReady, { timeout: 30_000 }).toBe(true);
}

/** Ends the process; gives its exit code, null after a kill. */
async function end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
  const child = running;
  running = undefined;
  if (child === undefined) return null;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
  return child.exitCode;
}

const operate = (...args: readonly string[]): string => execFileSync(process.execPath, [main, ...args], { env: environment, encoding: "utf8" });

const post = async (path: string, fields: Readonly<Record<string, string>>) =>
  readAnswer(await fetch(url + path, { method: "POST", body: new URLSearchParams({ client_id: "app", ...fields }) }));

const refresh = (token: string) => post("/token", { grant_type: "refresh_token", refresh_token: token, resource });

/** The refresh token of a new person who allowed the app. */
async function newToken(): Promise<string> {
  const request = () => {
    const verifier = randomBytes(32).toString("base64url");
    const query = new URLSearchParams({
      response_type: "code",
      client_id: "app",
      redirect_uri: callback,
      scope: "orders:read",
      resource,
      state: randomBytes(8).toString("hex"),
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    });
    return { verifier, address: `${url}/authorize?${query.toString()}` };
  };
  const person = await signUp(url, request().address);
  const { verifier, address } = request();
  const code = (await person.allow(address)).searchParams.get("code") ?? "";
  const answer = await post("/token", { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: callback, resource });
  expect(answer.status).toBe(200);
  return String(answer.body["refresh_token"]);
}

test("X11 what was revoked stays so after a kill, and after a backup was put back; a stop in order ends with 0", async () => {
  await begin();
  const [revoked, kept] = [await newToken(), await newToken()];
  const copy = join(data, "copy");
  expect(operate("backup", copy)).toContain("Copied");
  const ended = await fetch(`${url}/revoke`, { method: "POST", body: new URLSearchParams({ client_id: "app", token: revoked }) });
  expect(ended.status).toBe(200);
  await end("SIGKILL");

  await begin();
  expect((await refresh(revoked)).body["error"]).toBe("invalid_grant");
  const next = await refresh(kept);
  expect(next.status).toBe(200);
  await end("SIGKILL");

  for (const name of readdirSync(data)) if (name.startsWith("wallet.sqlite")) rmSync(join(data, name));
  copyFileSync(copy, join(data, "wallet.sqlite"));
  await begin();
  for (const token of [revoked, kept, String(next.body["refresh_token"])]) expect((await refresh(token)).body["error"]).toBe("invalid_grant");
  expect(await end("SIGTERM")).toBe(0);
}, 120_000);
