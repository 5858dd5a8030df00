import type { VNode } from "preact";
import { Picture, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { pictureOf } from "../pictures.ts";
import { isRunning } from "../shop-state.ts";
import { pickedVariant } from "./pick-variant.ts";
import type { Product, Variant } from "./product.ts";
import { StockNote } from "./stock-note.tsx";

const choicesMax = 10;

/** One product: picture, price, how many, Buy. Its title leads to its page, where the other variants are. */
export function ProductCard({ product }: { readonly product: Product }): VNode {
  const { state, format, run, dispatch } = useShop();
  const variant = pickedVariant(product, state.picked[product.id]);
  const choices = Math.min(choicesMax, Math.max(0, variant.stock));
  const quantity = Math.min(state.quantities[product.id] ?? 1, Math.max(1, choices));
  const buy = { type: "buy", productId: product.id, variantId: variant.id, quantity } as const;
  return (
    <li class="product" data-testid="product-card">
      <Picture source={pictureOf(variant.image) ?? pictureOf(product.image)} />
      <div class="product-text">
        <h2>
          <button type="button" class="product-link" data-testid="look" onClick={() => run({ type: "look", productId: product.id })}>
            {product.title}
          </button>
        </h2>
        <VariantNote product={product} variant={variant} />
        <p class="product-description quiet small">{product.description}</p>
      </div>
      <p class="product-price">
        <span class="strong nums">{format.money(variant.price)}</span>
        <StockNote stock={variant.stock} />
      </p>
      <div class="product-buy">
        <select
          class="select"
          aria-label={`Quantity of ${product.title}`}
          disabled={choices === 0}
          value={quantity}
          onChange={(event) => dispatch({ type: "quantity", productId: product.id, quantity: Number(event.currentTarget.value) })}
        >
          {Array.from({ length: Math.max(1, choices) }, (_, index) => (
            <option key={index} value={index + 1}>
              {index + 1}
            </option>
          ))}
        </select>
        <WorkButton
          class="button button-primary grow"
          testId="buy"
          label={`Buy ${variant.title}`}
          busy={isRunning(state, buy)}
          disabled={choices === 0}
          onPress={() => run(buy)}
        >
          Buy
        </WorkButton>
      </div>
    </li>
  );
}

/** Which variant the card is of, and that there are others. */
function VariantNote({ product, variant }: { readonly product: Product; readonly variant: Variant }): VNode | null {
  const others = product.variants.length - 1;
  if (others === 0) return null;
  return (
    <p class="small">
      {Object.values(variant.choices).join(", ")}
      <span class="quiet">
        {" "}
        · {others} {others === 1 ? "other" : "others"}
      </span>
    </p>
  );
}
