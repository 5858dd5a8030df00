import { profileNames } from "@countersign/protocol/host-profile";
import { hostSignIns } from "@countersign/protocol/host-profile-sign-in";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import type { AuthorizationDocument, AuthorizationServerObservation, RegistrationObservation } from "@countersign/protocol/server-observation";
import { boundedText, isJsonObject, member, textList, type JsonObject } from "@countersign/protocol/shape";
import { readJson, type Answered, type Asker } from "./ask.ts";

/** Programs on the user's machine come back there (RFC 8252 section 7.3). */
const loopbackAddress = "http://127.0.0.1:33418/callback";
/** What no server should take: whoever is on the way reads the code (MCP 2025-11-25, communication security). */
const plainAddress = "http://doctor.example/callback";

/** An authorization server that registers clients, and where. */
export interface RegisteringServer {
  readonly endpoint: string;
  readonly judged: AuthorizationDocument;
}

/** The first of the servers that registers clients. */
export function registeringServer(servers: readonly AuthorizationServerObservation[]): RegisteringServer | undefined {
  const documents = servers.flatMap((server) => server.documents.flatMap((each) => (each.seen === "document" ? [each.judged] : [])));
  const [first] = documents.flatMap((judged) =>
    judged.registrationEndpoint === undefined ? [] : [{ judged, endpoint: judged.registrationEndpoint }],
  );
  return first;
}

/** The addresses that are tried: those that hosts are known to come back to, and one for each rule. */
export function addressesTried(): readonly string[] {
  const ofHosts = profileNames.flatMap((host) => {
    const { registration, redirectUris } = hostSignIns[host];
    return registration.value.includes("dcr") ? redirectUris.value.map((uri) => uri.replace("{}", "countersign-doctor")) : [];
  });
  return [...new Set([...ofHosts, loopbackAddress, plainAddress])];
}

/**
 * Registers a client for each of the addresses (RFC 7591) and takes it away again where the server lets that be done (RFC 7592). This makes something at the
 * server, so it is done only where whoever examines has said so. No user is asked, no sign-in is begun, and no client is used.
 */
export async function probeRegistration(asker: Asker, server: RegisteringServer): Promise<readonly RegistrationObservation[]> {
  const seen: RegistrationObservation[] = [];
  for (const redirectUri of addressesTried()) seen.push(await tryAddress(asker, server, redirectUri));
  return seen;
}

async function tryAddress(asker: Asker, { endpoint, judged }: RegisteringServer, redirectUri: string): Promise<RegistrationObservation> {
  const answer = await asker.ask({
    method: "POST",
    url: endpoint,
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(metadataFor(judged, redirectUri)),
  });
  if (answer.seen === "nothing") return { redirectUri, ...answer };
  const body = readJson(answer.text);
  if ((answer.status !== 201 && answer.status !== 200) || !isJsonObject(body)) return refused(answer, body, redirectUri);
  const given = member(body, "redirect_uris");
  const kept = given === undefined || textList(given, 50, 2048)?.includes(redirectUri) === true;
  return { redirectUri, seen: "registered", kept, removed: await remove(asker, endpoint, body) };
}

function metadataFor({ authMethods, grants }: AuthorizationDocument, redirectUri: string): JsonObject {
  const methods = ["none", "client_secret_basic", "client_secret_post"];
  const isNative = isLoopbackUrl(new URL(redirectUri));
  return {
    client_name: "Countersign doctor",
    redirect_uris: [redirectUri],
    grant_types: grants?.includes("refresh_token") === false ? ["authorization_code"] : ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: methods.find((method) => authMethods.includes(method)) ?? "none",
    application_type: isNative ? "native" : "web",
  };
}

function refused({ status }: Answered, body: unknown, redirectUri: string): RegistrationObservation {
  const error = boundedText(member(body, "error"), 100);
  return { redirectUri, seen: "refused", status, ...(error === undefined ? {} : { error }) };
}

/** Its key goes to the origin that gave it out, and nowhere else. */
async function remove(asker: Asker, endpoint: string, body: JsonObject): Promise<boolean> {
  const url = boundedText(member(body, "registration_client_uri"), 2048);
  const key = boundedText(member(body, "registration_access_token"), 8192);
  if (url === undefined || key === undefined || !URL.canParse(url) || !/^[\x21-\x7e]+$/.test(key)) return false;
  if (new URL(url).origin !== new URL(endpoint).origin) return false;
  const answer = await asker.ask({ method: "DELETE", url, headers: { authorization: `Bearer ${key}` }, reading: "head" });
  return answer.seen === "answer" && answer.status >= 200 && answer.status < 300;
}
