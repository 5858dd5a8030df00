import { answer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { oauth2 } from "@countersign/kit/auth";
import { z } from "zod";

interface Document {
  readonly text: string;
  readonly isPublic: boolean;
}

/** Documents that are read with one scope, changed with another, and shown to everybody only with a third, asked for when it is needed. */
export function makeApp(options: { readonly resource: string; readonly issuer: string }): App {
  const app = createApp({
    name: "documents",
    version: "1.0.0",
    title: "Documents",
    // Whoever may change documents may read them: one source for what is enforced, asked for and published.
    scopes: { "docs:write": ["docs:read"] },
    ...options,
  });
  const documents = new Map<string, Document>();
  const mine = (subject: string | undefined): Document => documents.get(subject ?? "") ?? { text: "A first draft.", isPublic: false };

  app.tool(
    "read_document",
    { title: "Read", description: "Reads your document.", input: z.object({}), auth: oauth2("docs:read"), annotations: { readOnlyHint: true } },
    (_args, ctx) => answer({ ...mine(ctx.subject) }),
  );

  app.tool(
    "change_document",
    {
      title: "Change",
      description: "Replaces the text of your document.",
      input: z.object({ text: z.string().min(1).max(1000) }),
      // A token with docs:read alone is answered with 403 and both scopes; the host asks its user and sends the call again.
      auth: oauth2("docs:write"),
    },
    ({ text }, ctx) => {
      const before = mine(ctx.subject);
      // Known only here: what everybody sees is changed only by whoever may publish.
      if (before.isPublic && !ctx.scope.has("docs:publish")) {
        return ctx.challenge(new Set(["docs:publish"]), "This document is public. Changing it publishes the change.");
      }
      documents.set(ctx.subject ?? "", { ...before, text });
      return answer({ text });
    },
  );

  app.tool(
    "publish_document",
    { title: "Publish", description: "Shows your document to everybody.", input: z.object({}), auth: oauth2("docs:write", "docs:publish") },
    (_args, ctx) => {
      documents.set(ctx.subject ?? "", { ...mine(ctx.subject), isPublic: true });
      return answer({ isPublic: true });
    },
  );

  return app;
}
