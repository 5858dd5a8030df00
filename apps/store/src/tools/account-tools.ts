import { answer } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import { z } from "zod";

/** What the store's tools may demand of a signed-in user. */
const scopes = ["orders:read", "orders:write"] as const;

/** Adds the tools that say on whose behalf a call comes. What they tell is what the token says, never what an argument or a hint of the client does. */
export function addAccountTools(app: App): void {
  app.tool(
    "whoami",
    {
      title: "Who am I",
      description: "Says whether the user is signed in, and the id under which the shop knows them.",
      input: z.object({}),
      output: z.object({ signed_in: z.boolean(), user: z.string().optional() }),
      auth: either(),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async (_input, { subject }) =>
      subject === undefined
        ? answer({ signed_in: false }, "Nobody is signed in.")
        : answer({ signed_in: true, user: subject }, "The user is signed in."),
  );

  app.tool(
    "link_status",
    {
      title: "Account link",
      description: "Says whether an account is linked to this conversation, and which of the shop's permissions it has and lacks.",
      input: z.object({}),
      output: z.object({ linked: z.boolean(), granted: z.array(z.string()), missing: z.array(z.string()) }),
      auth: either(),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async (_input, { subject, scope }) => {
      const granted = subject === undefined ? [] : scopes.filter((each) => scope.has(each));
      return answer({ linked: subject !== undefined, granted, missing: scopes.filter((each) => !granted.includes(each)) });
    },
  );
}
