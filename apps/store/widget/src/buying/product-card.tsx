import type { VNode } from "preact";
import type { Product } from "./product.ts";
import { pictureOf } from "../pictures.ts";
import { isRunning } from "../shop-state.ts";
import { Picture, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";

const choicesMax = 10;

/** One product: picture, price, how many, Buy. */
export function ProductCard({ product }: { readonly product: Product }): VNode {
  const { state, format, run, dispatch } = useShop();
  const choices = Math.min(choicesMax, Math.max(0, product.stock));
  const quantity = Math.min(state.quantities[product.id] ?? 1, Math.max(1, choices));
  const buying = isRunning(state, { type: "buy", productId: product.id, quantity });
  return (
    <li class="product" data-testid="product-card">
      <Picture source={pictureOf(product.image)} />
      <div class="product-text">
        <h2>{product.title}</h2>
        <p class="product-description quiet small">{product.description}</p>
      </div>
      <p class="product-price">
        <span class="strong nums">{format.money(product.price)}</span>
        <StockNote stock={product.stock} />
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
          label={`Buy ${product.title}`}
          busy={buying}
          disabled={choices === 0}
          onPress={() => run({ type: "buy", productId: product.id, quantity })}
        >
          Buy
        </WorkButton>
      </div>
    </li>
  );
}

function StockNote({ stock }: { readonly stock: number }): VNode | null {
  if (stock <= 0) return <span class="small quiet">Sold out</span>;
  return stock < 10 ? <span class="small quiet">{stock} left</span> : null;
}
