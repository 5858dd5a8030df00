import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { defaultProfile, readProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { openaiMembersOf, placeUnder } from "@countersign/protocol/profile-view";
import { err, ok, type Result } from "@countersign/protocol/result";
import { parseWidgetPolicy, type SandboxPlace, type WidgetPolicy } from "@countersign/protocol/sandbox";
import { member, type JsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import type { McpConnection } from "../connections/connection.ts";
import type { Connector, Connectors } from "../connectors.ts";
import { digestText, newId, newToken } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import { hasOwnMeta, readWidgetDocument } from "./document.ts";
import type { Files } from "./files.ts";
import { permissionsOf, pickMeta, readPresentation } from "./presentation.ts";
import { proxyPage } from "./proxy-page.ts";
import type { WidgetStates } from "./widget-states.ts";

/** One view on one page: what it shows, whose it is, and which tools it may call (its connector's). */
interface WidgetRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly resourceUri: string;
  readonly callId?: string | undefined;
  readonly documentDigest: string;
  readonly meta: JsonObject;
  readonly app: string;
  readonly frameToken: string;
  /** Origin of the one page that may frame it and speak to it; absent for the console's. */
  readonly pageOrigin?: string | undefined;
  /** The host that is acted out for it as long as it lives; absent for the default. */
  readonly profile?: string | undefined;
}

const widgetSchema = z.object({
  userId: z.string(),
  connectorId: z.string(),
  resourceUri: z.string(),
  callId: z.string().optional(),
  documentDigest: z.string(),
  meta: z.record(z.string(), z.unknown()),
  app: z.string(),
  frameToken: z.string(),
  pageOrigin: z.string().optional(),
  profile: z.string().optional(),
});
const widgetKind: RecordKind<WidgetRow> = {
  name: "widget",
  parse: (json) => widgetSchema.parse(json),
};

const documentSchema = z.object({ html: z.string() });
/** Documents by the digest of their text: many views show the same one. */
const documentKind: RecordKind<{ readonly html: string }> = { name: "widget_document", parse: (json) => documentSchema.parse(json) };

/** What the console needs to show a view. `html` goes through the console's bridge to the proxy page, as MCP Apps has it. */
export interface WidgetView {
  readonly id: string;
  readonly connectorId: string;
  readonly resourceUri: string;
  readonly callId?: string;
  readonly frameUrl: string;
  readonly html: string;
  readonly csp: JsonObject;
  readonly permissions: JsonObject;
  /** The host that is acted out for the view: what it may ask for, and what its frame may do. */
  readonly profile: HostProfile;
  readonly prefersBorder: boolean;
  /** What the app says that the view shows; for the model. */
  readonly description?: string;
  /** Sources whose pages open without a question (`linkTrustedDomains`, `redirect_domains`). */
  readonly linkDomains: readonly string[];
  /** The same for every view of one call's document: after a reload, in another tab. */
  readonly session: string;
  /** What the widget kept, as JSON text; null before it kept anything. */
  readonly state: string | null;
}

export interface WidgetsOptions {
  readonly database: Database<unknown>;
  readonly states: WidgetStates;
  readonly files: Files;
  readonly connectors: Connectors;
  readonly place: SandboxPlace;
  readonly widgetOrigin: string;
  readonly shim: string;
  readonly clock: () => EpochMs;
}

/** Views of widgets, and the pages that they run in. */
export class Widgets {
  readonly #options: WidgetsOptions;
  readonly #widgets: Records<WidgetRow>;
  readonly #documents: Records<{ readonly html: string }>;

  constructor(options: WidgetsOptions) {
    this.#options = options;
    this.#widgets = options.database.records(widgetKind);
    this.#documents = options.database.records(documentKind);
  }

  /**
   * Reads the document from the server, judges it, and makes a view of it for this user, framed by a page of the console or of `pageOrigin`. It keeps its
   * `profile`: when the user chooses another one, its page makes a new view.
   */
  async create(
    userId: string,
    connector: Connector,
    resourceUri: string,
    { callId, pageOrigin, profile = defaultProfile }: NewView = {},
  ): Promise<Result<WidgetView, Refusal>> {
    const { connectors, place, clock } = this.#options;
    const connection = await connectors.current(userId, connector);
    const read = await connection.readResource(resourceUri);
    if (!read.ok) return read;
    const listed = hasOwnMeta(read.value, resourceUri) ? undefined : await listedMeta(connection, resourceUri);
    const document = readWidgetDocument(read.value, resourceUri, place, listed);
    if (!document.ok) return document;
    const { html, meta } = document.value;
    const expiresAt = clock() + retention.widget.ms;
    const row: WidgetRow = {
      userId,
      connectorId: connector.id,
      resourceUri,
      ...(callId === undefined ? {} : { callId }),
      documentDigest: digestText(html),
      meta: pickMeta(meta),
      app: appLabel(connector),
      frameToken: newToken(),
      ...(pageOrigin === undefined ? {} : { pageOrigin }),
      profile,
    };
    await this.#documents.put(row.documentDigest, { html }, { expiresAt: clock() + retention.widget_document.ms });
    const id = newId("wdg");
    await this.#widgets.create(id, row, { keys: { user: userId, frame: digestText(row.frameToken) }, expiresAt });
    return ok(await this.#view(id, row, html));
  }

  async read(userId: string, widgetId: string): Promise<Result<WidgetView, Refusal>> {
    const widget = await this.#own(userId, widgetId);
    const document = widget === undefined ? undefined : await this.#documents.get(widget.value.documentDigest, this.#options.clock());
    if (widget === undefined || document === undefined) return err(refuse("not_found"));
    return ok(await this.#view(widget.id, widget.value, document.value.html));
  }

  /** What this user's view belongs to; refuses another's with `not_found`. */
  async belongings(userId: string, widgetId: string): Promise<Result<WidgetBelongings, Refusal>> {
    const widget = await this.#own(userId, widgetId);
    if (widget === undefined) return err(refuse("not_found"));
    const { connectorId, app } = widget.value;
    const { linkDomains } = this.#policy(widget.value);
    const origin = originOf(this.#options.widgetOrigin, app);
    const session = sessionOf(widget.id, widget.value);
    return ok({ connectorId, session, linkDomains, origin, profile: profileOf(widget.value) });
  }

  /** Whatever is asked of a widget origin: a view's page, or a file by its link. */
  async serve(request: Request): Promise<Response> {
    const token = /^\/file\/([A-Za-z0-9_-]{43})$/.exec(new URL(request.url).pathname)?.[1];
    return request.method === "GET" && token !== undefined ? this.#options.files.open(token) : this.frame(request);
  }

  /** `GET /frame/<token>` on the widget origin: the proxy page. The token is the only way in, and the host name must be the app's own. */
  async frame(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const token = /^\/frame\/([A-Za-z0-9_-]{43})$/.exec(url.pathname)?.[1];
    if (request.method !== "GET" || token === undefined) return nothingHere();
    const { clock, place, shim, widgetOrigin } = this.#options;
    const [widget] = await this.#widgets.find("frame", digestText(token), clock(), { limit: 1 });
    if (widget === undefined || url.host !== new URL(originOf(widgetOrigin, widget.value.app)).host) return nothingHere();
    const pageOrigin = widget.value.pageOrigin ?? place.consoleOrigin;
    const profile = profileOf(widget.value);
    const policy = parseWidgetPolicy(widget.value.meta, placeUnder(profile, { ...place, consoleOrigin: pageOrigin }));
    if (!policy.ok) return nothingHere();
    return proxyPage({ policy: policy.value, consoleOrigin: pageOrigin, shim, openai: openaiMembersOf(profile) });
  }

  async #own(userId: string, widgetId: string): Promise<StoredRecord<WidgetRow> | undefined> {
    const widget = await this.#widgets.get(widgetId, this.#options.clock());
    return widget?.value.userId === userId ? widget : undefined;
  }

  #policy(row: WidgetRow): WidgetPolicy {
    const policy = parseWidgetPolicy(row.meta, placeUnder(profileOf(row), this.#options.place));
    if (!policy.ok) throw new TypeError("a stored widget's policy no longer parses");
    return policy.value;
  }

  async #view(id: string, row: WidgetRow, html: string): Promise<WidgetView> {
    const { connectDomains, resourceDomains, frameDomains, baseUriDomains, linkDomains, permissions } = this.#policy(row);
    const { prefersBorder, description } = readPresentation(row.meta);
    const session = sessionOf(id, row);
    return {
      id,
      connectorId: row.connectorId,
      resourceUri: row.resourceUri,
      ...(row.callId === undefined ? {} : { callId: row.callId }),
      frameUrl: `${originOf(this.#options.widgetOrigin, row.app)}/frame/${row.frameToken}`,
      html,
      csp: { connectDomains, resourceDomains, frameDomains, baseUriDomains },
      permissions: permissionsOf(row.meta, permissions),
      profile: profileOf(row),
      prefersBorder,
      ...(description === undefined ? {} : { description }),
      linkDomains,
      session,
      state: await this.#options.states.read(row.userId, session),
    };
  }
}

/** What the server's list says of a resource (MCP Apps 2026-01-26: the list's word counts where the content has none); one page of it is looked at. */
async function listedMeta(connection: Pick<McpConnection, "listResources">, uri: string): Promise<unknown> {
  const page = await connection.listResources(undefined);
  const resources = page.ok ? member(page.value, "resources") : undefined;
  const entry: unknown = Array.isArray(resources) ? resources.find((each) => member(each, "uri") === uri) : undefined;
  return member(entry, "_meta");
}

/** What a view belongs to, for what is done in its name. `origin` is that of its proxy page. */
export interface WidgetBelongings {
  readonly connectorId: string;
  readonly session: string;
  readonly linkDomains: readonly string[];
  readonly origin: string;
  /** The host that is acted out for it, whatever its user chose since. */
  readonly profile: HostProfile;
}

/** What a view is made with beside its document. */
export interface NewView {
  readonly callId?: string;
  readonly pageOrigin?: string;
  readonly profile?: HostProfile;
}

/** A view of a host that is no longer known is one of the default's. */
function profileOf(row: WidgetRow): HostProfile {
  return readProfile(row.profile) ?? defaultProfile;
}

/** Views of the same document of the same call are one session; a view without a call is one of its own. */
function sessionOf(widgetId: string, row: WidgetRow): string {
  const subject = row.callId === undefined ? [widgetId] : [row.userId, row.connectorId, row.callId, row.resourceUri];
  return digestText(JSON.stringify(subject)).slice(0, 32);
}

/** The host label of one app: the same for all its views, different for every server. */
function appLabel(connector: Connector): string {
  return `app-${Buffer.from(digestText(connector.resource), "base64url").toString("hex").slice(0, 24)}`;
}

function originOf(template: string, app: string): string {
  return template.replace("{app}", app);
}

function nothingHere(): Response {
  return new Response("Nothing is here.", { status: 404, headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
}
