import { refused, type ToolResult } from "@countersign/kit/answer";
import { errorCatalogue, type Refusal } from "@countersign/protocol/errors";
import { titleOf } from "../catalogue/product.ts";
import { products } from "../catalogue/products.ts";

/** A refusal as a tool says it. Where goods are short it names them, in its words and as `error.variant_id`: an order may have twenty lines. */
export function refusedGoods(refusal: Refusal): ToolResult {
  const { code, detail } = refusal;
  const title = code === "out_of_stock" ? titleOfVariant(detail) : undefined;
  if (title === undefined) return refused(refusal);
  const message = `There is not enough left of ${title}.`;
  return {
    ...refused(refusal),
    content: [{ type: "text", text: message }],
    structuredContent: { error: { code, message, retryable: errorCatalogue[code].retryable, variant_id: detail } },
  };
}

function titleOfVariant(id: string | undefined): string | undefined {
  for (const product of products) {
    const variant = product.variants.find((each) => each.id === id);
    if (variant !== undefined) return titleOf(product, variant);
  }
  return undefined;
}
