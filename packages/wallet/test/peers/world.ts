import { createHash, randomBytes } from "node:crypto";
import type { CheckoutTerms } from "@countersign/protocol/payment";
import { Secret } from "@countersign/protocol/secret";
import { createLogger, type Logger } from "@countersign/service/log";
import { start } from "../../src/main.ts";
import type { LimitDefaults } from "../../src/limits/settings.ts";
import type { PresentedFetch } from "../../src/authorize/presented-fetch.ts";
import type { OpenClients, WalletClient } from "../../src/options.ts";
import { Authenticator, type Tweaks } from "./authenticator.ts";
import { type Bank, startBank } from "./bank.ts";
import { Browser, formOf, type LoadedPage } from "./browser.ts";
import { type JsonAnswer, type Listening, listen, readAnswer } from "./listen.ts";
import { Payee } from "./payee.ts";

export const storeResource = "http://127.0.0.1:4300/mcp";
export const hostRedirect = "http://127.0.0.1:4100/callback/abc";

/** A running wallet with its surroundings: a bank, two payees, a host client, and a clock that can be moved. */
export interface World {
  readonly url: string;
  readonly bank: Bank;
  readonly payee: Payee;
  readonly otherPayee: Payee;
  readonly clock: { offsetMs: number };
  readonly databaseUrl: string;
  newBrowser(): Browser;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly databaseUrl?: string;
  readonly sealingKey?: Secret;
  readonly otherSealingKeys?: readonly Secret[];
  readonly markFile?: string;
  /** A port to come back on, for a second start. */
  readonly port?: number;
  readonly clients?: readonly WalletClient[];
  /** Where the first payee is told of changes. */
  readonly webhookUri?: string;
  readonly limits?: LimitDefaults;
  readonly openClients?: OpenClients;
  readonly fetchPresented?: PresentedFetch;
  /** What the wallet's bounds are multiplied by. Tests ask much more often than people, so 1000 unless a test is about them. */
  readonly rateFactor?: number;
  /** Where the log goes; nowhere unless a test reads it. */
  readonly logger?: Logger;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const listening: Listening = await listen(undefined, options.port);
  const url = `http://localhost:${listening.port}`;
  const clock = { offsetMs: 0 };
  const payee = await Payee.make("store", url);
  const otherPayee = await Payee.make("other-store", url);
  const bank = await startBank(url, clock);
  const databaseUrl = options.databaseUrl ?? "memory:";
  const wallet = await start({
    publicUrl: url,
    listen: listening.server,
    databaseUrl,
    sealingKey: options.sealingKey ?? new Secret(randomBytes(32).toString("base64url")),
    ...(options.markFile === undefined ? {} : { markFile: options.markFile }),
    ...(options.otherSealingKeys === undefined ? {} : { otherSealingKeys: options.otherSealingKeys }),
    bankUrl: bank.url,
    logger: options.logger ?? createLogger("wallet", { level: "silent" }),
    now: () => Date.now() + clock.offsetMs,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.openClients === undefined ? {} : { openClients: options.openClients }),
    ...(options.fetchPresented === undefined ? {} : { fetchPresented: options.fetchPresented }),
    rateFactor: options.rateFactor ?? 1000,
    clients: [
      {
        client_id: "countersign-host",
        client_name: "Countersign Console",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [hostRedirect],
        application_type: "native",
      },
      {
        client_id: "web-app",
        client_name: "Web App",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: ["https://app.example/cb"],
        application_type: "web",
      },
      {
        ...payeeClient(payee, "Harbour Goods", "https://harbour.example/"),
        ...(options.webhookUri === undefined ? {} : { webhook_uri: options.webhookUri }),
      },
      payeeClient(otherPayee, "Other Goods", "https://other.example/"),
      ...(options.clients ?? []),
    ],
    resources: [
      {
        resource: storeResource,
        name: "Harbour Goods",
        client_id: "store",
        scopes: { "orders:read": "See your orders", "orders:write": "Change your orders" },
      },
      { resource: "http://127.0.0.1:4301/mcp", name: "Other Goods", scopes: { "orders:read": "See your orders" } },
    ],
  });
  return {
    url,
    bank,
    payee,
    otherPayee,
    clock,
    databaseUrl,
    newBrowser: () => new Browser(url),
    async close() {
      await wallet.stop();
      await bank.close();
    },
  };
}

function payeeClient(payee: Payee, name: string, uri: string): WalletClient {
  return {
    client_id: payee.clientId,
    client_name: name,
    client_uri: uri,
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials"],
    jwks: payee.jwks,
  };
}

/** An authorization request and what its client has to remember. */
export interface AuthorizationRequest {
  readonly url: string;
  readonly state: string;
  readonly verifier: string;
}

/** A good request of the host for the store, with changes. A parameter that is undefined is left out. */
export function authorizationRequest(world: Pick<World, "url">, changes: Readonly<Record<string, string | undefined>> = {}): AuthorizationRequest {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const parameters: Record<string, string | undefined> = {
    response_type: "code",
    client_id: "countersign-host",
    redirect_uri: hostRedirect,
    scope: "orders:read",
    resource: storeResource,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.set(name, value);
  return { url: `${world.url}/authorize?${search.toString()}`, state, verifier };
}

/** A person at a browser with a passkey. */
export class Person {
  readonly browser: Browser;
  readonly authenticator: Authenticator;
  readonly #world: Pick<World, "url">;

  constructor(world: Pick<World, "url" | "newBrowser">) {
    this.#world = world;
    this.browser = world.newBrowser();
    this.authenticator = new Authenticator(world.url);
  }

  /** On a sign-in page: makes a passkey; gives the page that follows. */
  async register(page: LoadedPage, displayName = "Ada", tweaks: Tweaks = {}): Promise<LoadedPage> {
    const next = await this.tryRegister(page, displayName, tweaks);
    if (typeof next.body["next"] !== "string") throw new Error(`registration was refused: ${JSON.stringify(next.body)}`);
    return this.browser.open(next.body["next"]);
  }

  async tryRegister(page: LoadedPage, displayName: string, tweaks: Tweaks): Promise<JsonAnswer> {
    const form = formOf(page.html, "/register");
    const options = await this.browser.postJson(form.options ?? "", { ...form.fields, display_name: displayName });
    const credential = this.authenticator.create(options.body["options"], tweaks);
    return this.browser.postJson(form.action, { ...form.fields, credential });
  }

  /** On a sign-in or payment page: uses the passkey; gives the page that follows. */
  async usePasskey(page: LoadedPage, ending: "/login" | "/approve", tweaks: Tweaks = {}): Promise<LoadedPage> {
    const next = await this.tryPasskey(page, ending, tweaks);
    if (typeof next.body["next"] !== "string") throw new Error(`the passkey was refused: ${JSON.stringify(next.body)}`);
    return this.browser.open(next.body["next"]);
  }

  async tryPasskey(page: LoadedPage, ending: "/login" | "/approve", tweaks: Tweaks = {}): Promise<JsonAnswer> {
    const form = formOf(page.html, ending);
    const options = await this.browser.postJson(form.options ?? "", form.fields);
    if (options.status !== 200) return options;
    return this.browser.postJson(form.action, { ...form.fields, credential: this.authenticator.get(options.body["options"], tweaks) });
  }

  /** Signs up with an ordinary request and allows it. Gives the redirect that ends the flow. */
  async signUp(request: AuthorizationRequest = authorizationRequest(this.#world)): Promise<URL> {
    const consent = await this.register(await this.browser.open(request.url));
    return new URL((await this.browser.submit(formOf(consent.html, "/consent"))).url);
  }
}

/** Redeems a code. */
export async function redeem(world: World, fields: Readonly<Record<string, string>>): Promise<JsonAnswer> {
  const response = await fetch(`${world.url}/token`, { method: "POST", body: new URLSearchParams({ client_id: "countersign-host", ...fields }) });
  return readAnswer(response);
}

/** The fields that redeem the code of a redirect. */
export function codeFields(redirect: URL, request: AuthorizationRequest): Record<string, string> {
  return {
    grant_type: "authorization_code",
    code: redirect.searchParams.get("code") ?? "",
    code_verifier: request.verifier,
    redirect_uri: hostRedirect,
    resource: storeResource,
  };
}

/** Two mugs and a plate, in euros. */
export const checkout: CheckoutTerms = {
  id: "co_1",
  version: 1,
  amount: 4_250,
  currency: "EUR",
  items: [
    { name: "Mug", quantity: 2, amount: 2_400 },
    { name: "Plate", quantity: 1, amount: 1_850 },
  ],
  resource: storeResource,
};
