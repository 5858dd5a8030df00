import type { TestIssuer } from "./issuer.ts";

/** What an issuer knows of opaque tokens, and what it was asked. */
export interface TestIntrospection {
  /** The answer about each token; any other is not active. */
  readonly answers: Map<string, Record<string, unknown>>;
  /** The questions in order. */
  readonly asked: { readonly token: string | null; readonly authorization: string | null; readonly form: URLSearchParams }[];
  /** Takes the place of every answer. */
  instead: (() => Response | Promise<Response>) | undefined;
}

/** Gives an issuer an introspection endpoint (RFC 7662). */
export function addIntrospection(issuer: TestIssuer): TestIntrospection {
  const introspection: TestIntrospection = { answers: new Map(), asked: [], instead: undefined };
  issuer.metadata["introspection_endpoint"] = `${issuer.issuer}/introspect`;
  issuer.handlers.set("/introspect", async (request) => {
    const form = new URLSearchParams(await request.text());
    const token = form.get("token");
    introspection.asked.push({ token, authorization: request.headers.get("authorization"), form });
    if (introspection.instead !== undefined) return await introspection.instead();
    return Response.json(introspection.answers.get(token ?? "") ?? { active: false });
  });
  return introspection;
}

/** What is said of a good token. */
export const activeAnswer: Readonly<Record<string, unknown>> = {
  active: true,
  aud: "https://store.test/mcp",
  sub: "usr_1",
  client_id: "host",
  token_type: "Bearer",
  scope: "orders:read",
};
