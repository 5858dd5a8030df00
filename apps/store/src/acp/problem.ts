/** Why a request cannot be carried out, in the terms of ACP: a code, a public text, and where in the body (RFC 9535 JSONPath). */
export interface Problem {
  readonly code: string;
  readonly text: string;
  readonly param: string | undefined;
}

export function problem(code: string, text: string, param?: string): Problem {
  return { code, text, param };
}

/** The flat error of ACP: for answers that hold no session. */
export interface AcpError {
  readonly type: "invalid_request" | "processing_error" | "service_unavailable";
  readonly code: string;
  readonly message: string;
  readonly param?: string;
  readonly supported_versions?: readonly string[];
}

/** A request that is refused as a whole. */
export function invalidRequest({ code, text, param }: Problem): AcpError {
  return { type: "invalid_request", code, message: text, ...(param === undefined ? {} : { param }) };
}

/** A request that failed here, or comes at a bad moment: it may be sent again under the same key. */
export function serverError(type: "processing_error" | "service_unavailable", code: string, message: string): AcpError {
  return { type, code, message };
}
