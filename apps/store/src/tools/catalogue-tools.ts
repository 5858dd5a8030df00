import { answer, refused } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import { refuse } from "@countersign/protocol/errors";
import { formatMinorUnits } from "@countersign/protocol/money";
import { z } from "zod";
import { categories, optionsOf, type Product, titleOf } from "../catalogue/product.ts";
import { findProduct, products } from "../catalogue/products.ts";
import { searchProducts } from "../catalogue/search.ts";
import { readAvailability } from "../stock.ts";
import type { Shop } from "../shop.ts";
import * as shapes from "./shapes.ts";

const pageSizeMax = 24;

/** Adds the tools that anybody may use to look around. */
export function addCatalogueTools(app: App, shop: Shop): void {
  app.tool(
    "browse_products",
    {
      title: "Browse products",
      description:
        "Finds products of the shop by words and category, and shows them with pictures, prices and a way to buy. Without arguments: everything.",
      input: z.object({
        query: z.string().max(100).optional().describe("Words to look for, such as 'mug' or 'wooden desk'"),
        category: z.enum(categories).optional(),
        limit: z.int().min(1).max(pageSizeMax).optional().describe(`Products per page, default ${pageSizeMax}`),
        cursor: z.string().max(100).optional().describe("nextCursor of the page before"),
      }),
      output: z.object({ products: z.array(shapes.product), total: z.int(), nextCursor: z.string().optional() }),
      auth: either(),
      ui: "shop",
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ query, category, limit, cursor }) => {
      const page = searchProducts(products, { query, category, limit: limit ?? pageSizeMax, cursor });
      if (!page.ok) {
        return refused(page.error);
      }
      const available = await readAvailability(shop.db);
      const shown = page.value.products.map((product) => viewProduct(product, available));
      const names = page.value.products.map(
        (product) => `${product.title} (${product.id}), ${formatMinorUnits(product.price)} ${product.price.currency}`,
      );
      const text =
        names.length === 0
          ? "No product matches."
          : `${page.value.total} ${page.value.total === 1 ? "product matches" : "products match"}: ${names.join("; ")}.`;
      return answer({ ...page.value, products: shown }, text);
    },
  );

  app.tool(
    "get_product",
    {
      title: "Product details",
      description: "Gives one product by its id: description, variants such as sizes and colours, and for each its price and how many are in stock.",
      input: z.object({ product_id: shapes.productId }),
      output: z.object({ product: shapes.product }),
      auth: either(),
      ui: "shop",
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ product_id }) => {
      const product = findProduct(product_id);
      return product === undefined ? refused(refuse("not_found")) : answer({ product: viewProduct(product, await readAvailability(shop.db)) });
    },
  );
}

function viewProduct(product: Product, available: ReadonlyMap<string, number>): Record<string, unknown> {
  const { id, title, description, price, image, category } = product;
  const variants = product.variants.map((variant) => ({
    id: variant.id,
    title: titleOf(product, variant),
    choices: variant.choices,
    price: variant.price,
    image: variant.image,
    stock: available.get(variant.id) ?? 0,
  }));
  return { id, title, description, price, image, category, stock: available.get(id) ?? 0, options: optionsOf(product), variants };
}
