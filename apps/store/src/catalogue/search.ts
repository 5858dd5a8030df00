import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { type Category, optionsOf, type Product } from "./product.ts";

export interface ProductQuery {
  readonly query?: string | undefined;
  readonly category?: Category | undefined;
  /** 1 to 24. */
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface ProductPage {
  readonly products: readonly Product[];
  /** How many match on all pages. */
  readonly total: number;
  readonly nextCursor?: string;
}

/**
 * Finds products: every word of the query must match the beginning of a word of the product, in either direction, so that "mugs" finds a mug.
 * Best match first, else catalogue order. Refuses a cursor that is not of this catalogue with `invalid_arguments`.
 */
export function searchProducts(catalogue: readonly Product[], query: ProductQuery): Result<ProductPage, Refusal> {
  const wanted = wordsOf(query.query ?? "");
  const ranked = catalogue
    .map((product, index) => ({ product, index, score: scoreOf(product, wanted) }))
    .filter((hit) => hit.score > 0 && (query.category === undefined || hit.product.category === query.category))
    .sort((left, right) => right.score - left.score || left.index - right.index)
    .map((hit) => hit.product);
  const start = startOf(ranked, query.cursor);
  if (start === undefined) {
    return err(refuse("invalid_arguments", "the cursor belongs to another list"));
  }
  const page = ranked.slice(start, start + query.limit);
  const last = page.at(-1);
  const more = last !== undefined && start + page.length < ranked.length;
  return ok({ products: page, total: ranked.length, ...(more ? { nextCursor: `after:${last.id}` } : {}) });
}

function startOf(ranked: readonly Product[], cursor: string | undefined): number | undefined {
  if (cursor === undefined) {
    return 0;
  }
  const index = ranked.findIndex((product) => `after:${product.id}` === cursor);
  return index < 0 ? undefined : index + 1;
}

/** 0 when a word of the query matches nothing; titles weigh more than descriptions. */
function scoreOf(product: Product, wanted: readonly string[]): number {
  const title = wordsOf(product.title);
  const choices = optionsOf(product).flatMap((option) => option.values.flatMap(wordsOf));
  const names = [...wordsOf(product.category), ...product.words, ...choices];
  const description = wordsOf(product.description);
  let score = 1;
  for (const word of wanted) {
    const weight = matches(title, word) ? 8 : matches(names, word) ? 4 : matches(description, word) ? 1 : 0;
    if (weight === 0) {
      return 0;
    }
    score += weight;
  }
  return score;
}

function matches(words: readonly string[], wanted: string): boolean {
  return words.some((word) => word.startsWith(wanted) || (word.length >= 3 && wanted.startsWith(word) && wanted.length - word.length <= 2));
}

const stopWords: ReadonlySet<string> = new Set(["a", "an", "and", "any", "for", "in", "me", "of", "show", "some", "the", "with"]);

function wordsOf(text: string): readonly string[] {
  return (
    text
      .normalize("NFKD")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
    .filter((word) => !stopWords.has(word))
    .slice(0, 40);
}
