import { errorCatalogue } from "@countersign/protocol/errors";
import { readJson } from "@countersign/service/body";
import { variants } from "../catalogue/products.ts";
import { findCheckout } from "../checkout/find.ts";
import { errorName } from "../report.ts";
import type { Shop } from "../shop.ts";
import { type AcpAgent, findAgent, principalOf } from "./agents.ts";
import { declareHandler, readHandlerDocument } from "./handler.ts";
import { type Claim, ClaimLost, createKeyedAnswers, type KeyedAnswers } from "../keyed-answers.ts";
import { type AcpError, invalidRequest, problem, serverError } from "./problem.ts";
import { acpVersion } from "./session.ts";
import { type AcpParts, showSession } from "./show-session.ts";
import { cancelSession, completeSession, createSession, updateSession, type Write, type Written } from "./writes.ts";

/** Where agents look for ACP (ACP discovery, section 4.1). */
export const acpDiscoveryPath = "/.well-known/acp.json";
/** Everything else of ACP is below this path. */
export const acpPath = "/acp";

interface AcpOptions extends AcpParts {
  readonly agents: readonly AcpAgent[];
  readonly answers: KeyedAnswers;
}

const bodyBytesMax = 65_536;
const retryAfterSeconds = "2";

/** How the surface is reached: by a path, or with a slash at its end everything below it. */
export type AcpRoutes = readonly { readonly path: string; readonly serve: (request: Request) => Promise<Response> }[];

/** Opens ACP 2026-04-17 for a shop's agents. Without any there is nothing to serve. */
export function openAcp(shop: Shop, { wallet, agents }: { readonly wallet: string; readonly agents: readonly AcpAgent[] }): AcpRoutes {
  if (agents.length === 0) return [];
  const answers = createKeyedAnswers(shop.db, shop.sealer, shop.clock);
  const options: AcpOptions = { shop, agents, answers, handler: declareHandler(shop.url, wallet, shop.payee.id) };
  return [
    { path: acpDiscoveryPath, serve: async (request) => (request.method === "GET" ? discover(shop.url) : notAllowed("GET")) },
    { path: `${acpPath}/`, serve: (request) => serveAcp(options, request) },
  ];
}

async function serveAcp(options: AcpOptions, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const document = readHandlerDocument(pathname);
  if (document !== undefined) return request.method === "GET" ? document : notAllowed("GET");
  const route = routeOf(pathname);
  return route === undefined
    ? respond(404, invalidRequest(problem("not_found", errorCatalogue.not_found.text)), {})
    : await serveSession(options, request, route);
}

type Verb = "create" | "session" | "complete" | "cancel";
type Route = { readonly verb: "create" } | { readonly verb: Exclude<Verb, "create">; readonly id: string };

function routeOf(pathname: string): Route | undefined {
  const [sessions, id, verb, ...rest] = pathname.slice(acpPath.length + 1).split("/");
  if (sessions !== "checkout_sessions" || rest.length > 0) return undefined;
  if (pathname === `${acpPath}/checkout_sessions`) return { verb: "create" };
  if (id === undefined || !/^chk_[A-Za-z0-9_-]{22}$/.test(id)) return undefined;
  if (verb === undefined) return { verb: "session", id };
  return verb === "complete" || verb === "cancel" ? { verb, id } : undefined;
}

async function serveSession(options: AcpOptions, request: Request, route: Route): Promise<Response> {
  const { report } = options.shop;
  const echo = echoOf(request.headers);
  const agent = findAgent(options.agents, request.headers.get("authorization"));
  const refused = (status: number, body: AcpError, headers: Readonly<Record<string, string>> = {}): Response => {
    report({ event: "agent_refused", agent: agent?.id ?? "", status, code: body.code });
    return respond(status, body, { ...echo, ...headers });
  };
  if (agent === undefined) {
    return refused(401, invalidRequest(problem("unauthorized", "An API key of this shop is needed.")), { "www-authenticate": "Bearer" });
  }
  const version = request.headers.get("api-version");
  if (version !== acpVersion) {
    const code = version === null ? "missing_api_version" : "unsupported_api_version";
    return refused(400, { ...invalidRequest(problem(code, `API-Version: ${acpVersion} is needed.`)), supported_versions: [acpVersion] });
  }
  try {
    if (request.method === "GET" && route.verb === "session") return await readSession(options, agent, route.id, refused, echo);
    const allow = route.verb === "session" ? "GET, POST" : "POST";
    if (request.method !== "POST") return refused(405, invalidRequest(problem("method_not_allowed", "not by this method")), { allow });
    return await writeOnce(options, agent, route, request, refused, echo);
  } catch (thrown) {
    if (thrown instanceof ClaimLost) return refused(409, inFlight, { "retry-after": retryAfterSeconds });
    report({ event: "work_failed", where: "acp", error: errorName(thrown) });
    return refused(500, serverError("processing_error", "internal_error", errorCatalogue.internal_error.text));
  }
}

type Refused = (status: number, body: AcpError, headers?: Readonly<Record<string, string>>) => Response;
type HeaderList = Readonly<Record<string, string>>;

async function readSession(options: AcpOptions, agent: AcpAgent, id: string, refused: Refused, echo: HeaderList): Promise<Response> {
  const { shop } = options;
  const checkout = await findCheckout(shop, id, principalOf(agent));
  if (!checkout.ok) return refused(404, invalidRequest(problem("not_found", errorCatalogue.not_found.text)));
  return respond(200, await showSession(options, shop.db, checkout.value, {}), echo);
}

async function writeOnce(
  options: AcpOptions,
  agent: AcpAgent,
  route: Route,
  request: Request,
  refused: Refused,
  echo: HeaderList,
): Promise<Response> {
  const key = request.headers.get("idempotency-key");
  if (key === null || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    return refused(400, invalidRequest(problem("idempotency_key_required", "Idempotency-Key header is required on all POST requests")));
  }
  const body = isBodiless(request, route) ? undefined : await readJson(request, { maxBytes: bodyBytesMax });
  if (body?.ok === false)
    return refused(errorCatalogue[body.error.code].status, invalidRequest(problem("invalid", errorCatalogue[body.error.code].text)));
  const { pathname: path } = new URL(request.url);
  const claimed = await options.answers.claim({ principal: principalOf(agent), path, key, body: body?.value });
  switch (claimed.outcome) {
    case "replay":
      return respond(claimed.answer.status, claimed.answer.body, { ...echo, "idempotent-replayed": "true" });
    case "conflict":
      return refused(422, invalidRequest(problem("idempotency_conflict", "Idempotency-Key has already been used with a different request body")));
    case "in_flight":
      return refused(409, inFlight, { "retry-after": retryAfterSeconds });
    case "mine": {
      const { answer } = await carryOut(options, route, { agent, body: body?.value, claim: claimed.claim });
      if (answer.status >= 400) options.shop.report({ event: "agent_refused", agent: agent.id, status: answer.status, code: codeOf(answer.body) });
      const headers = answer.status === 405 ? { allow: "GET" } : answer.status === 503 ? { "retry-after": retryAfterSeconds } : {};
      return respond(answer.status, answer.body, { ...echo, ...headers });
    }
  }
}

/** Carries a write out and keeps its answer. What failed here leaves the key free. */
async function carryOut(options: AcpOptions, route: Route, write: Write): Promise<Written> {
  const { claim } = write;
  try {
    const written = await act(options, route, write);
    if (written.answer.status >= 500) await claim.release();
    else if (!written.isKept) await claim.keep(options.shop.db, written.answer);
    return written;
  } catch (thrown) {
    await releaseQuietly(claim);
    throw thrown;
  }
}

function act(options: AcpOptions, route: Route, write: Write): Promise<Written> {
  switch (route.verb) {
    case "create":
      return createSession(options, write);
    case "session":
      return updateSession(options, route.id, write);
    case "complete":
      return completeSession(options, route.id, write);
    case "cancel":
      return cancelSession(options, route.id, write);
  }
}

/** A claim that cannot be given back runs out by itself; what was thrown first is what counts. */
async function releaseQuietly(claim: Claim): Promise<void> {
  try {
    await claim.release();
  } catch {
    return;
  }
}

/** A cancellation needs no body. */
function isBodiless(request: Request, route: Route): boolean {
  return route.verb === "cancel" && request.headers.get("content-type") === null;
}

function codeOf(body: unknown): string {
  return typeof body === "object" && body !== null && "code" in body ? String(body.code) : "";
}

const inFlight: AcpError = invalidRequest(problem("idempotency_in_flight", "A request with this Idempotency-Key is currently being processed"));

/** What is given back to tell requests apart: only visible ASCII of a sane length. */
function echoOf(headers: Headers): HeaderList {
  const echoed: Record<string, string> = {};
  for (const name of ["request-id", "idempotency-key"]) {
    const value = headers.get(name);
    if (value !== null && /^[\x21-\x7e]{1,255}$/.test(value)) echoed[name] = value;
  }
  return echoed;
}

/** The same for everybody, so it may be kept for an hour (ACP discovery, section 4.1). */
function discover(url: string): Response {
  const currencies = [...new Set(variants.map((each) => each.price.currency.toLowerCase()))].toSorted();
  const document = {
    protocol: { name: "acp", version: acpVersion, supported_versions: [acpVersion] },
    api_base_url: `${url}${acpPath}`,
    transports: ["rest"],
    capabilities: { services: ["checkout"], supported_currencies: currencies },
  };
  return Response.json(document, { headers: { "cache-control": "public, max-age=3600" } });
}

function notAllowed(allow: string): Response {
  return respond(405, invalidRequest(problem("method_not_allowed", "not by this method")), { allow });
}

function respond(status: number, body: unknown, headers: HeaderList): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}
