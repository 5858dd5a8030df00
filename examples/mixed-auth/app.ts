import { answer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { either, oauth2 } from "@countersign/kit/auth";
import { z } from "zod";

const books: readonly { readonly id: string; readonly title: string; readonly author: string }[] = [
  { id: "b1", title: "The Sea, the Sea", author: "Iris Murdoch" },
  { id: "b2", title: "Invisible Cities", author: "Italo Calvino" },
  { id: "b3", title: "The Left Hand of Darkness", author: "Ursula K. Le Guin" },
];

/** A library: anybody searches it, and whoever is signed in sees what they have borrowed. */
export function makeApp(options: { readonly resource: string; readonly issuer: string }): App {
  const app = createApp({ name: "library", version: "1.0.0", title: "Library", ...options });
  const loans = new Map<string, readonly string[]>();
  const loansOf = (subject: string | undefined): readonly string[] => (subject === undefined ? [] : (loans.get(subject) ?? ["b2"]));

  app.tool(
    "search_books",
    {
      title: "Search books",
      description: "Searches the library. A signed-in reader also sees which books they have borrowed.",
      input: z.object({ query: z.string().max(100) }),
      // Anybody, with or without a token. A token that is no good is refused all the same: it is never taken for none.
      auth: either(),
      annotations: { readOnlyHint: true },
    },
    ({ query }, ctx) => {
      const found = books.filter((book) => `${book.title} ${book.author}`.toLowerCase().includes(query.toLowerCase()));
      const mine = loansOf(ctx.subject);
      return answer({ books: found.map((book) => ({ ...book, borrowed: mine.includes(book.id) })) });
    },
  );

  app.tool(
    "my_loans",
    {
      title: "My loans",
      description: "Lists the books that the signed-in reader has borrowed.",
      input: z.object({}),
      auth: oauth2("loans:read"),
      annotations: { readOnlyHint: true },
    },
    (_args, ctx) => answer({ books: books.filter((book) => loansOf(ctx.subject).includes(book.id)) }),
  );

  return app;
}
