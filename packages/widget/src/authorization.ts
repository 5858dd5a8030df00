import type { Rung } from "@countersign/protocol/ladder";
import { isObject, textOf } from "./wire.ts";

/**
 * Where an authorization stands, as the host tells it or as the library knows it. A host that tells nothing stays `idle`: the call itself then shows the
 * outcome. `required`: the user must act: press Continue in the host, or open `link` here or on another device. `pending`: a sign-in or approval page is
 * open, or the chat was asked.
 */
export type AuthorizationState = "idle" | "required" | "pending" | "granted" | "denied" | "expired";

/** The app's connection, whatever its calls: no sign-in, one that runs, or a token that the host holds. */
export type ConnectionState = "signed_out" | "signing_in" | "signed_in";

export interface Authorization {
  readonly state: AuthorizationState;
  /** The way by which the call is being made; absent where nothing is under way. */
  readonly rung?: Rung;
  /** Whether the user is signed in to the app as a whole, where the host tells. */
  readonly connection?: ConnectionState;
  /** The host's call id that waits. */
  readonly callId?: string;
  /** The tool whose call waits. */
  readonly tool?: string;
  /** What the link is for: to sign in, or to approve what the tool asked for, such as a payment. */
  readonly purpose?: "sign_in" | "approval";
  /** A page where the user can act, on this or another device. */
  readonly link?: string;
  /** What the user types on that page when it asks for a code. */
  readonly code?: string;
  /** The same as a QR code, as a data URI, where the host made one; `@countersign/widget/qr` draws it otherwise. */
  readonly qr?: string;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** Key in the MCP Apps host context, and property of `window.openai`, under which a host tells the authorization state. */
export const authorizationContextKey = "countersign/authorization";

const states: ReadonlySet<string> = new Set(["idle", "required", "pending", "granted", "denied", "expired"]);
const idle: Authorization = { state: "idle" };

/** Parses the host's word on authorization. Anything malformed is `idle`; links other than http(s) and pictures other than data URIs are dropped. */
export function readAuthorization(value: unknown): Authorization {
  if (!isObject(value) || !isState(value["state"])) {
    return idle;
  }
  const connection = value["connection"];
  const callId = textOf(value["callId"]);
  const tool = textOf(value["tool"]);
  const link = textOf(value["link"]);
  const qr = textOf(value["qr"]);
  const expiresAt = value["expiresAt"];
  return {
    state: value["state"],
    ...(isConnection(connection) ? { connection } : {}),
    ...(callId === undefined ? {} : { callId }),
    ...(tool === undefined ? {} : { tool }),
    ...(link === undefined || !/^https?:\/\//.test(link) ? {} : { link }),
    ...(qr === undefined || !qr.startsWith("data:image/") ? {} : { qr }),
    ...(typeof expiresAt === "number" && Number.isFinite(expiresAt) ? { expiresAt } : {}),
  };
}

/** Which rung a host's word stands for: its own sign-in goes on, or waits for the user's Continue. */
export function withHostRung(told: Authorization): Authorization {
  if (told.state === "required") {
    return { ...told, rung: "continue" };
  }
  return told.state === "pending" ? { ...told, rung: "host_resumes" } : told;
}

function isState(value: unknown): value is AuthorizationState {
  return typeof value === "string" && states.has(value);
}

function isConnection(value: unknown): value is ConnectionState {
  return value === "signed_out" || value === "signing_in" || value === "signed_in";
}
