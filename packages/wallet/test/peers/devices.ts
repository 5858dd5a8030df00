import { createHash, randomBytes } from "node:crypto";
import { deviceGrant, type WalletClient } from "../../src/options.ts";
import { type Browser, formOf, type LoadedPage } from "./browser.ts";
import { type JsonAnswer, readAnswer } from "./listen.ts";
import { type Person, storeResource, type World } from "./world.ts";

/** A television and a second one, which cannot show web pages. */
export const deviceClients: readonly WalletClient[] = ["tv", "other-tv"].map((id) => ({
  client_id: id,
  client_name: id === "tv" ? "Living Room TV" : "Other TV",
  token_endpoint_auth_method: "none",
  grant_types: [deviceGrant, "refresh_token"],
  application_type: "native",
}));

/** A device that waits: what it was told, and the secret of its challenge. */
export interface WaitingDevice {
  readonly answer: JsonAnswer;
  readonly deviceCode: string;
  readonly userCode: string;
  readonly complete: string;
  readonly verifier: string;
  /** One token request with the device code. */
  poll(changes?: Readonly<Record<string, string | undefined>>, headers?: Readonly<Record<string, string>>): Promise<DeviceAnswer>;
}

/** An answer of the token endpoint. */
export interface DeviceAnswer extends JsonAnswer {
  readonly headers: Headers;
}

/** Asks for a device code; a parameter that is undefined is left out. */
export async function startDevice(world: World, changes: Readonly<Record<string, string | undefined>> = {}): Promise<WaitingDevice> {
  const verifier = randomBytes(32).toString("base64url");
  const parameters = {
    client_id: "tv",
    scope: "orders:read",
    resource: storeResource,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  const answer = await readAnswer(await fetch(`${world.url}/device_authorization`, { method: "POST", body: bodyOf(parameters) }));
  const deviceCode = String(answer.body["device_code"]);
  return {
    answer,
    deviceCode,
    userCode: String(answer.body["user_code"]),
    complete: String(answer.body["verification_uri_complete"]),
    verifier,
    async poll(more: Readonly<Record<string, string | undefined>> = {}, headers: Readonly<Record<string, string>> = {}) {
      const fields = { grant_type: deviceGrant, client_id: "tv", device_code: deviceCode, code_verifier: verifier, resource: storeResource, ...more };
      const response = await fetch(`${world.url}/token`, { method: "POST", body: bodyOf(fields), headers });
      return { ...(await readAnswer(response)), headers: response.headers };
    },
  };
}

/** Types a code on the device page and sends it; gives the page that follows. */
export async function enterCode(browser: Browser, code: string): Promise<LoadedPage> {
  const form = formOf((await browser.open(`${browser.origin}/device`)).html, "/device");
  return browser.submit({ ...form, fields: { ...form.fields, user_code: code } });
}

/** On the page that confirms a device: uses the passkey; gives the page that follows. */
export async function confirmDevice(person: Person, page: LoadedPage): Promise<LoadedPage> {
  const next = await tryConfirm(person, page);
  if (typeof next.body["next"] !== "string") throw new Error(`the device was refused: ${JSON.stringify(next.body)}`);
  return person.browser.open(next.body["next"]);
}

export async function tryConfirm(person: Person, page: LoadedPage, more: Readonly<Record<string, string>> = {}): Promise<JsonAnswer> {
  const form = formOf(page.html, "/device");
  const options = await person.browser.postJson(form.options ?? "", { ...form.fields, ...more });
  if (options.status !== 200) return options;
  return person.browser.postJson(form.action, { ...form.fields, credential: person.authenticator.get(options.body["options"]) });
}

/** On a payment page: names the number and uses the passkey; gives the answer. */
export async function approveWithNumber(person: Person, page: LoadedPage, number: string): Promise<JsonAnswer> {
  const form = formOf(page.html, "/approve");
  const options = await person.browser.postJson(form.options ?? "", { ...form.fields, number });
  if (options.status !== 200) return options;
  return person.browser.postJson(form.action, { ...form.fields, credential: person.authenticator.get(options.body["options"]) });
}

function bodyOf(parameters: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) body.set(name, value);
  return body;
}
