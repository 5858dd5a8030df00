import { answer } from "@countersign/kit/answer";
import { createApp } from "@countersign/kit/app";
import { anonymous, oauth2 } from "@countersign/kit/auth";
import { z } from "zod";

const note = z.object({ title: z.string(), text: z.string() });

/** Notes by user. Replace it with your own storage. */
const notesOf = new Map();

/**
 * The app: its view, its tools, and who may call each of them.
 *
 * @param {{ name: string, title: string, resource: string, issuer: string, linkClient?: string, viewHtml: string, fetch?: typeof globalThis.fetch }} options
 * @returns {import("@countersign/kit/app").App}
 */
export function makeApp({ name, title, resource, issuer, linkClient, viewHtml, fetch = globalThis.fetch }) {
  // For hosts that sign nobody in when a view calls: the view then gets a link, which the user opens anywhere.
  const accountLink = linkClient === undefined ? {} : { accountLink: { clientId: linkClient } };
  const app = createApp({ name, version: "0.1.0", title, resource, issuer, fetch, ...accountLink });

  app.ui("notebook", { html: viewHtml, title });

  app.tool(
    "open_notebook",
    {
      title: "Open the notebook",
      description: "Shows the notebook. Needs no sign-in.",
      input: z.object({}),
      output: z.object({ tip: z.string() }),
      auth: anonymous(),
      ui: "notebook",
      annotations: { readOnlyHint: true },
    },
    () => answer({ tip: "Your notes appear here once you have signed in." }),
  );

  app.tool(
    "list_notes",
    {
      title: "My notes",
      description: "Lists the notes of the signed-in user.",
      input: z.object({}),
      output: z.object({ notes: z.array(note) }),
      auth: oauth2("notes:read"),
      ui: "notebook",
      annotations: { readOnlyHint: true },
    },
    (_args, ctx) => {
      // The subject comes from the verified token. Nothing that the caller merely says decides whose notes these are.
      const notes = notesOf.get(ctx.subject) ?? [{ title: "Welcome", text: "This note is yours alone." }];
      notesOf.set(ctx.subject, notes);
      return answer({ notes }, `${notes.length} note${notes.length === 1 ? "" : "s"}: ${notes.map((each) => each.title).join(", ")}`);
    },
  );

  return app;
}
