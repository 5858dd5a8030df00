import { answer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { oauth2 } from "@countersign/kit/auth";
import { z } from "zod";

/** Where the app is, whom it takes tokens from, and its client id there, by which it asks for links. */
export interface ReadingListOptions {
  readonly resource: string;
  readonly issuer: string;
  readonly linkClient: string;
}

/** A reading list for signed-in users, also in hosts that sign nobody in when a view calls: there the view gets a link for them. */
export function makeApp({ resource, issuer, linkClient }: ReadingListOptions): App {
  const app = createApp({
    name: "reading-list",
    version: "1.0.0",
    title: "Reading list",
    resource,
    issuer,
    // Adds link_account, await_link, call_linked and unlink_account, which only views see. The tools below know nothing of it.
    accountLink: { clientId: linkClient },
  });
  const lists = new Map<string | undefined, readonly string[]>();

  app.tool(
    "my_list",
    {
      title: "My reading list",
      description: "Shows the signed-in user's reading list.",
      input: z.object({}),
      auth: oauth2("list:read"),
      annotations: { readOnlyHint: true },
    },
    (_args, ctx) => answer({ titles: lists.get(ctx.subject) ?? [] }),
  );

  app.tool(
    "add_title",
    {
      title: "Add a title",
      description: "Adds a title to the signed-in user's reading list. A title that is there already stays there once.",
      input: z.object({ title: z.string().min(1).max(200) }),
      auth: oauth2("list:read", "list:write"),
      annotations: { idempotentHint: true },
    },
    ({ title }, ctx) => {
      const titles = [...new Set([...(lists.get(ctx.subject) ?? []), title])];
      lists.set(ctx.subject, titles);
      return answer({ titles });
    },
  );

  return app;
}
