import { type LocalApp, parseLocalApp } from "@countersign/cli/local-app";
import type { App } from "@countersign/kit/app";
import { toNodeHandler } from "@countersign/kit/node";
import { type SignedUp, signUp } from "@countersign/wallet/testing/sign-up";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { KeepingProvider, officialClient } from "./keeping-provider.ts";
import { listen, portOf } from "./listen.ts";
import { runStack, type TestStack } from "./run-stack.ts";

/** As much of an app as a server needs. */
type MountedApp = Pick<App, "fetch" | "close">;

/** Where the wallet sends the clients of an example back to. */
export const redirectUrl = "http://127.0.0.1/callback";

/** An example with everything around it: a real wallet, a real bank, and a console that knows it. */
export interface RunningExample {
  readonly stack: TestStack;
  readonly app: LocalApp;
  stop(): Promise<void>;
}

/** What an example is told of where it runs. */
export interface ExamplePlace {
  readonly resource: string;
  readonly issuer: string;
  readonly bank: string;
  readonly payee: string;
  readonly linkClient: string;
}

/** Serves an example on a port that the system chose, beside a stack that knows it by its `countersign.json`. */
export async function runExample(description: unknown, make: (place: ExamplePlace) => MountedApp | Promise<MountedApp>): Promise<RunningExample> {
  const parsed = parseLocalApp(description);
  if (!parsed.ok) throw new TypeError(`the example does not describe itself: ${parsed.error}`);
  const server = await listen();
  const app = { ...parsed.value, resource: `http://127.0.0.1:${portOf(server)}/mcp` };
  const stack = await runStack({ apps: (issuer) => [{ ...app, issuer }], walletClients: [officialClient(redirectUrl)] });
  const made = await make({
    resource: app.resource,
    issuer: stack.urls.wallet,
    bank: stack.urls.bank,
    payee: app.payee ?? "",
    linkClient: app.linkClient ?? "",
  });
  server.on("request", toNodeHandler(made));
  return {
    stack,
    app,
    async stop() {
      await made.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await stack.stop();
    },
  };
}

const askedMax = 3;

type CallResult = Awaited<ReturnType<Client["callTool"]>>;

/** A person with the official client, who signs in and approves at the wallet when the client asks for it. */
export class ClientUser {
  readonly #provider = new KeepingProvider(redirectUrl);
  readonly #transport: StreamableHTTPClientTransport;
  readonly #wallet: string;
  readonly client: Client = new Client({ name: "independent-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  #person: SignedUp | undefined;

  private constructor(example: RunningExample, person: SignedUp | undefined) {
    this.#person = person;
    this.#wallet = example.stack.urls.wallet;
    this.#transport = new StreamableHTTPClientTransport(new URL(example.app.resource), { authProvider: this.#provider });
  }

  /** A new person, or `other` again, who starts without a token. */
  static async connect(example: RunningExample, other?: ClientUser): Promise<ClientUser> {
    const user = new ClientUser(example, other === undefined ? undefined : other.#person);
    await user.client.connect(user.#transport);
    return user;
  }

  /** The person at the wallet, once they have signed up. */
  get person(): SignedUp {
    if (this.#person === undefined) throw new Error("nobody has signed up yet");
    return this.#person;
  }

  /** The scopes of each authorization request so far. */
  get asked(): readonly string[] {
    return this.#provider.opened.map((url) => url.searchParams.get("scope") ?? "");
  }

  call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<CallResult> {
    return this.client.callTool({ name, arguments: { ...args } });
  }

  /** Calls a tool that the client has to ask its user for first; the user says yes each time, and the same call is sent again. */
  async callAndAgree(how: "allow" | "approve", name: string, args: Readonly<Record<string, unknown>> = {}): Promise<CallResult> {
    for (let asked = 0; asked <= askedMax; asked += 1) {
      const result = await this.agree(how, name, args);
      if (result === undefined) continue;
      if (asked === 0) throw new Error(`${name} asked for nothing and answered ${JSON.stringify(result)}`);
      return result;
    }
    throw new Error(`${name} asked more than ${askedMax} times`);
  }

  /** Sends a call; when the client has to ask its user, the user says yes and nothing is sent again. */
  async agree(how: "allow" | "approve", name: string, args: Readonly<Record<string, unknown>> = {}): Promise<CallResult | undefined> {
    const before = this.#provider.opened.length;
    try {
      return await this.call(name, args);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    const url = this.#provider.opened[before];
    if (url === undefined) throw new Error(`${name} opened no authorization request`);
    this.#person ??= await signUp(this.#wallet, url.href);
    await this.#transport.finishAuth((await this.#person[how](url.href)).searchParams);
    return undefined;
  }
}
