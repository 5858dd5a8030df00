import { awaitApprovalTool } from "@countersign/protocol/approval-answer";
import { protectedResourceMetadataUrls } from "@countersign/protocol/metadata";
import { unionScopes } from "@countersign/protocol/scope";
import type { z } from "zod";
import { anonymous, oauth2 } from "./auth.ts";
import type { Revocation } from "./bearer/revocations.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import { createFront, type Front } from "./front.ts";
import { type AccountLinkOptions, openAccountLink } from "./link/open-account-link.ts";
import type { Offer } from "./mcp-server.ts";
import { createVerifier, readIdentity, type SecurityOptions } from "./options.ts";
import { openAwaitTool } from "./payment/await-approval.ts";
import type { Report } from "./report.ts";
import { runOncePerKey } from "./run-once.ts";
import { prepareTool, type Tool, type ToolDefinition, type ToolHandler } from "./tool.ts";
import { prepareView, type UiDefinition, type View } from "./view.ts";

export interface AppOptions extends SecurityOptions {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly instructions?: string;
  /** Adds the tools by which a view links an account where its host starts no sign-in. Needs an issuer with the device grant. */
  readonly accountLink?: AccountLinkOptions;
  /** Aborted when the server begins to stop: calls that wait for a person are then answered at once. */
  readonly stopping?: AbortSignal;
}

export interface App extends Front {
  /** Adds a tool. Throws on a programmer error: a name taken, an unknown view, sign-in demanded without an issuer. */
  tool<Input extends z.ZodObject>(name: string, definition: ToolDefinition<Input>, handler: ToolHandler<Input>): void;
  /** Adds a view and returns its `ui://` URI. */
  ui(name: string, definition: UiDefinition): string;
  /** Tells the app that tokens have ended at their issuer: a token by its `jti`, a grant by `gid` or `sid`, or all of a subject so far. */
  forget(ended: Revocation): void;
  close(): Promise<void>;
}

const namePattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Makes an MCP app. `tool` and `ui` are for start-up: the first request freezes what is offered. */
export function createApp(options: AppOptions): App {
  if (!namePattern.test(options.name)) throw new TypeError(`not a name: ${JSON.stringify(options.name)}`);
  const identity = readIdentity(options);
  const { resource, issuer, scopes } = identity;
  const verifier = createVerifier(options, identity);
  const resourceMetadata = issuer && protectedResourceMetadataUrls(resource)[0];
  const tools = new Map<string, Tool>();
  const views = new Map<string, View>();
  const report: Report = options.report ?? (() => undefined);
  let endpoint: Endpoint | undefined;

  const toolOf = (name: string): Tool | undefined => tools.get(name);
  const linkTools = openAccountLink(options, identity, { verifier, resourceMetadata, toolOf });
  const ownTools = new Map([...linkTools, ...openAwaitTool(options.payee, { toolOf, report, stopping: options.stopping })]);

  const register = (name: string, taken: ReadonlyMap<string, unknown>): void => {
    if (endpoint !== undefined) throw new TypeError(`"${name}" comes too late: the app already serves`);
    if (!namePattern.test(name)) throw new TypeError(`not a name: ${JSON.stringify(name)}`);
    if (taken.has(name) || ownTools.has(name)) throw new TypeError(`"${name}" is taken`);
  };
  const endpointOf = (): Endpoint => {
    endpoint ??= createEndpoint({
      offer: offerOf(options, new Map([...tools, ...ownTools]), views),
      verifier,
      scopes,
      resourceMetadata,
      boundTokens: identity.trusted?.dpop?.tokens,
      challengeForm: options.challengeForm ?? "auto",
      issuer,
      awaitTool: options.payee && awaitApprovalTool,
      approvalForm: options.approvalForm ?? "auto",
      payee: options.payee,
      report,
    });
    return endpoint;
  };
  const front = createFront(
    {
      ...options,
      label: options.title ?? options.name,
      demandedScopes: () => unionScopes(...[...tools.values()].map((tool) => tool.auth.scope)),
      methods: ["POST"],
      nonce: verifier?.nonce,
      serve: (request) => endpointOf().serve(request),
    },
    identity,
  );

  return {
    ...front,
    tool(name, definition, handler) {
      register(name, tools);
      const auth = definition.auth ?? (issuer === undefined ? anonymous() : oauth2());
      if (issuer === undefined && auth.mode !== "anonymous") throw new TypeError(`"${name}" demands sign-in, but the app has no issuer`);
      const viewUri = viewUriOf(views, name, definition.ui);
      const run = onceWhereKept(definition, options, handler);
      tools.set(name, prepareTool(name, definition, { ...auth, scope: scopes.least(auth.scope) }, viewUri, run));
    },
    ui(name, definition) {
      register(name, views);
      const view = prepareView(options.name, name, definition);
      views.set(name, view);
      return view.uri;
    },
    forget: (ended) => verifier?.forget(ended),
    async close() {
      await endpoint?.close();
    },
  };
}

function offerOf({ name, version, title, instructions }: AppOptions, tools: ReadonlyMap<string, Tool>, views: ReadonlyMap<string, View>): Offer {
  return { name, version, title, instructions, tools, views };
}

function viewUriOf(views: ReadonlyMap<string, View>, tool: string, name: string | undefined): string | undefined {
  const view = name === undefined ? undefined : views.get(name);
  if (name !== undefined && view === undefined) throw new TypeError(`"${tool}" names an unknown view: "${name}"`);
  return view?.uri;
}

function onceWhereKept<Input extends z.ZodObject>(
  { idempotency }: ToolDefinition<Input>,
  { clock = Date.now }: AppOptions,
  handler: ToolHandler<Input>,
): ToolHandler<Input> {
  return idempotency === undefined ? handler : runOncePerKey(idempotency, clock, handler);
}
