import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type Provider from "oidc-provider";
import type { Client, InteractionResults } from "oidc-provider";
import { errors } from "oidc-provider";
import type { ClientIdentities, ClientIdentity } from "./client-origin.ts";
import { findOpenDevice, type OpenDevice } from "../device/open-device.ts";

/** The page that a browser has to act on before its authorization request goes on. */
export interface OpenInteraction {
  readonly uid: string;
  readonly prompt: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly client: Client;
  readonly identity: ClientIdentity;
  /** Where the user goes on; undefined where a device is approved, which goes on by itself. */
  readonly redirectUri: string | undefined;
  /** The device that is approved here, and not this browser. */
  readonly device: OpenDevice | undefined;
  readonly scope: string;
  /** `authorization_details` as given, empty when there are none. */
  readonly authorizationDetails: string;
  /** The resource indicators of the request, as given. */
  readonly resources: readonly string[];
  /** The signed-in account, if any. */
  readonly accountId: string | undefined;
  /** The browser session that the account is signed in with. */
  readonly sessionUid: string | undefined;
  readonly grantId: string | undefined;
  readonly lastSubmission: InteractionResults | undefined;
}

/** oidc-provider's interactions, for handlers that know only `Request` and `Response`. */
export interface Interactions {
  /** The interaction `uid` of the browser that sent the request; `challenge_expired` when it is not this browser's, or over. */
  find(request: Request, uid: string): Promise<Result<OpenInteraction, Refusal>>;
  /** Answers the prompt and gives the URL to go on to. `merge` keeps the answers to earlier prompts. */
  finish(request: Request, result: InteractionResults, merge: boolean): Promise<string>;
}

export function createInteractions(provider: Provider, identify: ClientIdentities, now: () => EpochMs): Interactions {
  return {
    async find(request, uid) {
      const { req, res } = asNode(request);
      try {
        const found = await provider.interactionDetails(req, res);
        const clientId = found.params["client_id"];
        const client = typeof clientId === "string" ? await provider.Client.find(clientId) : undefined;
        const redirectUri = found.params["redirect_uri"];
        const scope = found.params["scope"];
        const details = found.params["authorization_details"];
        const device = found.deviceCode === undefined ? undefined : await findOpenDevice(provider, found.deviceCode, request, now());
        const isComplete = client !== undefined && (device !== undefined || (found.deviceCode === undefined && typeof redirectUri === "string"));
        if (found.uid !== uid || !isComplete) return err(refuse("challenge_expired"));
        return ok({
          uid,
          prompt: found.prompt.name,
          details: found.prompt.details,
          client,
          identity: identify(client),
          redirectUri: typeof redirectUri === "string" ? redirectUri : undefined,
          device,
          scope: typeof scope === "string" ? scope : "",
          authorizationDetails: typeof details === "string" ? details : "",
          resources: textsOf(found.params["resource"]),
          accountId: found.session?.accountId,
          sessionUid: found.session?.uid,
          grantId: found.grantId,
          lastSubmission: found.lastSubmission,
        });
      } catch (error) {
        // Or the client took back its document meanwhile.
        const isOver = [errors.SessionNotFound, errors.InvalidClient, errors.InvalidClientMetadata].some((each) => error instanceof each);
        if (isOver) return err(refuse("challenge_expired"));
        throw error;
      }
    },

    async finish(request, result, merge) {
      const { req, res } = asNode(request);
      return provider.interactionResult(req, res, result, { mergeWithLastSubmission: merge });
    },
  };
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each) => typeof each === "string");
}

/** oidc-provider reads the method, the path and the cookies of a Node request, and writes nothing. */
export function asNode(request: Request): { readonly req: IncomingMessage; readonly res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  const url = new URL(request.url);
  req.method = request.method;
  req.url = url.pathname + url.search;
  req.headers = { host: url.host, cookie: request.headers.get("cookie") ?? "" };
  return { req, res: new ServerResponse(req) };
}
