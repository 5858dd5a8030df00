import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { isJsonObject, member } from "./shape.ts";

/** Where a widget is shown. `consoleOrigin` alone may frame it; `development` lets a widget name loopback http and ws. */
export interface SandboxPlace {
  readonly consoleOrigin: string;
  readonly development: boolean;
  /** What the host whose behaviour is acted out does to the declared policy (host-profile-view.ts); absent: nothing. */
  readonly host?: HostCsp;
  /** The features of Permissions Policy that such a host grants at most; absent: whatever is declared. */
  readonly features?: readonly string[];
  /** The flags of a view's frame there; absent: {@link widgetSandbox}. */
  readonly flags?: string;
}

/** What a host does to the policy that a view declares. */
export interface HostCsp {
  /** Lists of `ui.csp` that have no effect. */
  readonly ignores: readonly DomainList[];
  /** Places that are open to every view, declared or not: those that it may ask, and those that it may load from. What it frames is never among them. */
  readonly open: Readonly<Partial<Record<OpenList, readonly string[]>>>;
  /** Source keywords that scripts have beyond the declared ones. */
  readonly scripts: readonly string[];
}

/** The lists of `ui.csp`, MCP Apps 2026-01-26. */
export type DomainList = "connectDomains" | "resourceDomains" | "frameDomains" | "baseUriDomains";

/** The lists to which a host may add places of its own. */
type OpenList = Extract<DomainList, "connectDomains" | "resourceDomains">;

/** What a widget's page is served with: the values of three headers, and the `allow` attribute of both frames. */
export interface WidgetPolicy {
  readonly csp: string;
  /**
   * `Connection-Allowlist` (WICG draft; Chromium 152 and newer): every connection of whatever kind, and no WebRTC at all. Redirects are followed,
   * because the CSP judges each hop of them.
   */
  readonly connectionAllowlist: string;
  /** `Permissions-Policy`: every feature that frames have by default is taken away, but what was declared. */
  readonly permissionsPolicy: string;
  readonly allow: string;
  /** Those of the declared permissions that are granted, in the words of MCP Apps. */
  readonly permissions: readonly string[];
  /** The `sandbox` attribute of the widget's own frame. */
  readonly sandbox: string;
  readonly connectDomains: readonly string[];
  readonly resourceDomains: readonly string[];
  readonly frameDomains: readonly string[];
  readonly baseUriDomains: readonly string[];
  /** Where links of the widget lead without a question, and where it may ask to come back from: `linkTrustedDomains`, legacy `redirect_domains`. */
  readonly linkDomains: readonly string[];
}

/** The proxy frame's own origin is what isolates it, so it keeps that origin. */
export const proxySandbox = "allow-scripts allow-same-origin";

/** The widget's frame has an opaque origin: no storage, no cookies, no forms, no popups, no navigation of the top. */
export const widgetSandbox = "allow-scripts";

/** The `sandbox` attribute of the proxy frame around a widget's: what the inner frame may do, the outer one must be allowed too. */
export function proxySandboxFor(flags: string): string {
  return [...new Set([...proxySandbox.split(" "), ...flags.split(" ")])].join(" ");
}

const domainCountMax = 50;
const domainLengthMax = 253;
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const topLabel = "[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?";
const port = "(?::[1-9][0-9]{0,4})?";
/** A host of at least two labels whose last is no number, so never an address; `*.` stands before at least two more labels. */
const publicSource = new RegExp(`^(https|wss)://(?:\\*\\.)?(?:${label}\\.)+${topLabel}${port}$`);
/** Without [::1]: a CSP cannot name an IPv6 address. */
const loopbackSource = new RegExp(`^(https?|wss?)://(?:localhost|(?:${label}\\.)+localhost|127\\.0\\.0\\.1)${port}$`);

/** The four permissions of MCP Apps and their names in Permissions Policy. Passkeys and payment are never among them. */
const permissionTokens: Readonly<Record<string, string>> = {
  camera: "camera",
  microphone: "microphone",
  geolocation: "geolocation",
  clipboardWrite: "clipboard-write",
};

/** Features of Permissions Policy that a view has no use for, or only when it declared them: what a frame has by default, and what guards a person. */
const deniedFeatures: readonly string[] = [
  Object.values(permissionTokens).join(" "),
  "publickey-credentials-get publickey-credentials-create payment identity-credentials-get digital-credentials-get otp-credentials",
  "storage-access browsing-topics private-state-token-issuance private-state-token-redemption deferred-fetch deferred-fetch-minimal",
  "local-network-access bluetooth usb serial hid midi gamepad accelerometer gyroscope magnetometer compute-pressure xr-spatial-tracking",
  "display-capture captured-surface-control clipboard-read keyboard-map idle-detection local-fonts window-management encrypted-media",
  "fullscreen picture-in-picture screen-wake-lock sync-xhr",
].flatMap((line) => line.split(" "));

/**
 * Judges what a `ui://` resource declares in its `_meta` (`ui.csp` and `ui.permissions` of MCP Apps, else `openai/widgetCSP`) and builds the
 * policy. One entry outside the grammar refuses the widget with `widget_refused`: nothing is repaired.
 */
export function parseWidgetPolicy(meta: unknown, place: SandboxPlace): Result<WidgetPolicy, Refusal> {
  if (!isOrigin(place.consoleOrigin)) throw new RangeError("consoleOrigin is not an http(s) origin");
  const ui = member(meta, "ui");
  const declared = member(ui, "csp") ?? member(meta, "openai/widgetCSP") ?? {};
  if (!isJsonObject(declared)) return err(refuse("widget_refused", "the declared CSP is no object"));
  const lists: Record<DomainList, readonly string[]> = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] };
  for (const [name, alias] of domainLists) {
    const entries = member(declared, name) ?? member(declared, alias) ?? [];
    const sources = readSources(entries, name === "connectDomains", place.development);
    if (sources === undefined) return err(refuse("widget_refused", `${name} has an entry outside the grammar`));
    lists[name] = place.host?.ignores.includes(name) ? [] : sources;
  }
  for (const name of openLists) lists[name] = [...new Set([...lists[name], ...(place.host?.open[name] ?? [])])];
  const linkDomains = readLinkDomains(meta, place.development);
  if (linkDomains === undefined) return err(refuse("widget_refused", "linkTrustedDomains or redirect_domains has an entry outside the grammar"));
  const permissions = member(ui, "permissions") ?? {};
  const asked = readPermissions(permissions);
  if (asked === undefined) return err(refuse("widget_refused", "an unknown or malformed permission"));
  const granted = asked.filter(({ feature }) => place.features?.includes(feature) ?? true);
  const allow = granted.map(({ feature }) => feature).join("; ");
  return ok({
    csp: formatCsp(lists, place),
    connectionAllowlist: formatAllowlist(lists),
    permissionsPolicy: formatPermissionsPolicy(allow),
    allow,
    permissions: granted.map(({ name }) => name),
    sandbox: place.flags ?? widgetSandbox,
    ...lists,
    linkDomains,
  });
}

/** Says whether an address lies at one of the declared sources: the same scheme, host and port, or below a `*.` host. */
export function matchesSource(url: URL, sources: readonly string[]): boolean {
  return sources.some((source) => {
    const [scheme = "", place = ""] = source.split("://", 2);
    if (!place.startsWith("*.")) return URL.canParse(source) && new URL(source).origin === url.origin;
    const base = new URL(`${scheme}://${place.slice(2)}`);
    return url.protocol === base.protocol && url.port === base.port && url.hostname.endsWith(`.${base.hostname}`);
  });
}

/** The legacy object is the only place for `redirect_domains`, so it counts even beside a `ui.csp`. */
function readLinkDomains(meta: unknown, development: boolean): readonly string[] | undefined {
  const ui = member(meta, "ui");
  const declared = [
    member(ui, "linkTrustedDomains"),
    member(member(ui, "csp"), "linkTrustedDomains"),
    member(member(meta, "openai/widgetCSP"), "redirect_domains"),
  ];
  const lists = declared.map((entries) => readSources(entries ?? [], false, development));
  return lists.every((list) => list !== undefined) ? [...new Set(lists.flat())] : undefined;
}

const domainLists: readonly (readonly [DomainList, string])[] = [
  ["connectDomains", "connect_domains"],
  ["resourceDomains", "resource_domains"],
  ["frameDomains", "frame_domains"],
  ["baseUriDomains", "base_uri_domains"],
];

const openLists: readonly OpenList[] = ["connectDomains", "resourceDomains"];

function formatCsp(lists: Readonly<Record<DomainList, readonly string[]>>, { consoleOrigin, host, flags }: SandboxPlace): string {
  const resources = lists.resourceDomains;
  const directives: readonly (readonly [string, readonly string[]])[] = [
    ["default-src", ["'none'"]],
    ["script-src", ["'self'", "'unsafe-inline'", ...(host?.scripts ?? []), ...resources]],
    ["style-src", ["'self'", "'unsafe-inline'", ...resources]],
    ["img-src", ["'self'", "data:", ...resources]],
    ["font-src", ["'self'", "data:", ...resources]],
    ["media-src", ["'self'", "data:", ...resources]],
    // 'self' is the app's own origin at the host, which has nothing but the files that the user gave to this app.
    ["connect-src", ["'self'", ...lists.connectDomains]],
    // 'self' is what the inner srcdoc document needs.
    ["frame-src", ["'self'", ...lists.frameDomains]],
    ["worker-src", ["'none'"]],
    ["object-src", ["'none'"]],
    ["base-uri", orNone(lists.baseUriDomains)],
    ["form-action", ["'none'"]],
    ["frame-ancestors", [consoleOrigin]],
    // The flags of the console's frame once more, for a page that frames this one and forgets them.
    ["sandbox", [proxySandboxFor(flags ?? widgetSandbox)]],
  ];
  return directives.map(([name, sources]) => `${name} ${sources.join(" ")}`).join("; ");
}

/** A structured field (RFC 9651): an inner list of URL patterns. Every source of the grammar above is one. */
function formatAllowlist(lists: Readonly<Record<DomainList, readonly string[]>>): string {
  const sources = new Set(Object.values(lists).flat());
  const patterns = ["response-origin", ...[...sources].map((source) => `"${source}"`)];
  return sources.size === 0 ? `(${patterns.join(" ")})` : `(${patterns.join(" ")});redirects=allow`;
}

function formatPermissionsPolicy(allow: string): string {
  const allowed = allow.split("; ");
  return deniedFeatures
    .filter((feature) => !allowed.includes(feature))
    .map((feature) => `${feature}=()`)
    .join(", ");
}

function orNone(sources: readonly string[]): readonly string[] {
  return sources.length === 0 ? ["'none'"] : sources;
}

function readSources(entries: unknown, mayStream: boolean, development: boolean): readonly string[] | undefined {
  if (!Array.isArray(entries) || entries.length > domainCountMax) return undefined;
  const sources: string[] = [];
  for (const entry of entries) {
    if (typeof entry !== "string" || entry.length > domainLengthMax) return undefined;
    const source = entry.toLowerCase();
    const match = publicSource.exec(source) ?? (development ? loopbackSource.exec(source) : null);
    if (match === null || (!mayStream && match[1]?.startsWith("ws"))) return undefined;
    sources.push(source);
  }
  return [...new Set(sources)];
}

interface Permission {
  readonly name: string;
  readonly feature: string;
}

function readPermissions(permissions: unknown): readonly Permission[] | undefined {
  if (!isJsonObject(permissions)) return undefined;
  const read: Permission[] = [];
  for (const name of Object.keys(permissions)) {
    const feature = Object.hasOwn(permissionTokens, name) ? permissionTokens[name] : undefined;
    if (feature === undefined || !isJsonObject(permissions[name])) return undefined;
    read.push({ name, feature });
  }
  return read;
}

function isOrigin(text: string): boolean {
  // The URL parser lets `*` and `;` stand in a host, and both mean something in a CSP.
  return /^https?:\/\/[a-z0-9.:[\]-]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
