import {
  authorizationServerMetadataUrls,
  judgeAuthorizationServer,
  judgeProtectedResource,
  protectedResourceMetadataUrls,
  resourcesDescribedAt,
} from "@countersign/protocol/metadata";
import type { ResourceUri, Issuer } from "@countersign/protocol/brand";
import { parseIssuer } from "@countersign/protocol/resource";
import type { Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import type {
  AuthorizationDocument,
  AuthorizationServerObservation,
  DocumentObservation,
  ResourceDocument,
} from "@countersign/protocol/server-observation";
import { isJsonObject, member, textList } from "@countersign/protocol/shape";
import { readJson, type Asker } from "./ask.ts";
import { contentTypeOf } from "./message.ts";

/** Authorization servers that are looked at: hosts try the first few, some only the first. */
const issuersMax = 3;

/**
 * Looks for protected resource metadata at every place where a host may look, not only at the first that has it (RFC 9728 sections 3.1 and 5.1).
 *
 * @param pointedAt `resource_metadata` of challenges that were seen
 */
export async function probeResourceMetadata(
  asker: Asker,
  resource: ResourceUri,
  pointedAt: readonly string[],
): Promise<readonly DocumentObservation<ResourceDocument>[]> {
  const urls = new Set([...pointedAt, ...protectedResourceMetadataUrls(resource)]);
  const seen: DocumentObservation<ResourceDocument>[] = [];
  for (const url of urls) seen.push(await probeDocument(asker, url, (doc) => judgeResource(doc, url, resource)));
  return seen;
}

/** Looks for each issuer's metadata in the order of RFC 8414 section 3.1 and OpenID Connect discovery, up to the first place that has some. */
export async function probeAuthorizationServers(
  asker: Asker,
  resources: readonly DocumentObservation<ResourceDocument>[],
): Promise<readonly AuthorizationServerObservation[]> {
  const described = resources.flatMap((each) => (each.seen === "document" ? [each.judged] : []));
  const named = described.flatMap(({ authorizationServers }) => authorizationServers);
  const servers: AuthorizationServerObservation[] = [];
  for (const name of [...new Set(named)].slice(0, issuersMax)) {
    const issuer = parseIssuer(name);
    if (!issuer.ok) continue;
    const itsOwn = described.filter(({ authorizationServers }) => authorizationServers.includes(name)).map(({ resource }) => resource);
    servers.push({ issuer: issuer.value, documents: await probeIssuer(asker, issuer.value, itsOwn) });
  }
  return servers;
}

/** @param resources what names this issuer, as it was published */
async function probeIssuer(
  asker: Asker,
  issuer: Issuer,
  resources: readonly string[],
): Promise<readonly DocumentObservation<AuthorizationDocument>[]> {
  const documents: DocumentObservation<AuthorizationDocument>[] = [];
  for (const url of authorizationServerMetadataUrls(issuer)) {
    const document = await probeDocument(asker, url, (doc) => judgeIssuer(doc, issuer, resources));
    documents.push(document);
    if (document.seen === "document" || document.seen === "refused") break;
  }
  return documents;
}

async function probeDocument<Judged>(
  asker: Asker,
  url: string,
  judge: (doc: unknown) => Result<Judged, Refusal>,
): Promise<DocumentObservation<Judged>> {
  const answer = await asker.ask({ method: "GET", url, headers: { accept: "application/json" } });
  if (answer.seen === "nothing") return { url, ...answer };
  // Some servers give a page for people at every path.
  if (answer.status !== 200 || contentTypeOf(answer) === "text/html") return { seen: "absent", url, status: answer.status };
  const document = readJson(answer.text);
  if (!isJsonObject(document)) return { seen: "refused", url, code: "invalid_metadata", detail: "the document is not a JSON object" };
  const judged = judge(document);
  if (judged.ok) return { seen: "document", url, judged: judged.value };
  const { code, detail } = judged.error;
  return { seen: "refused", url, code, ...(detail === undefined ? {} : { detail }) };
}

function judgeResource(doc: unknown, url: string, dialled: ResourceUri): Result<ResourceDocument, Refusal> {
  const judged = judgeProtectedResource(doc, resourcesDescribedAt(url, dialled));
  if (!judged.ok) return judged;
  const { indicator, authorizationServers, scopesSupported, dpopBoundAccessTokensRequired } = judged.value;
  return ok({
    resource: indicator,
    authorizationServers,
    ...(scopesSupported === undefined ? {} : { scopes: [...scopesSupported] }),
    ...(dpopBoundAccessTokensRequired ? { dpopRequired: true } : {}),
  });
}

function judgeIssuer(doc: unknown, issuer: Issuer, resources: readonly string[]): Result<AuthorizationDocument, Refusal> {
  const judged = judgeAuthorizationServer(doc, issuer);
  if (!judged.ok) return judged;
  const server = judged.value;
  const grants = textList(member(doc, "grant_types_supported"), 50, 200);
  const listed = textList(member(doc, "protected_resources"), 1000, 2048);
  return ok({
    clientIdMetadata: server.clientIdMetadataDocumentSupported,
    registration: server.registrationEndpoint !== undefined,
    ...(server.registrationEndpoint === undefined ? {} : { registrationEndpoint: server.registrationEndpoint }),
    iss: server.authorizationResponseIssParameterSupported,
    authMethods: server.tokenEndpointAuthMethodsSupported,
    deviceGrant: server.deviceAuthorizationEndpoint !== undefined,
    ...(server.scopesSupported === undefined ? {} : { scopes: [...server.scopesSupported] }),
    ...(grants === undefined ? {} : { grants }),
    ...(listed === undefined ? {} : { knowsResource: resources.some((resource) => listed.includes(resource)) }),
  });
}
