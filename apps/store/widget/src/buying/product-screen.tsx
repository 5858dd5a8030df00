import type { VNode } from "preact";
import { Icon, Picture, ScreenHeading, Stepper, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { pictureOf } from "../pictures.ts";
import { isRunning } from "../shop-state.ts";
import { wholeShelf } from "./buying-state.ts";
import { isOpen } from "./checkout.ts";
import { pickedVariant, pickVariant } from "./pick-variant.ts";
import type { Product, Variant } from "./product.ts";
import { StockNote } from "./stock-note.tsx";

const quantityMax = 20;

/** The page of one product: its picture, what can be chosen, one button. */
export function ProductScreen(): VNode {
  const { state, run } = useShop();
  const { product } = state;
  return (
    <section class="stack" aria-busy={product === undefined && state.failure === undefined}>
      <button type="button" class="button button-quiet button-small back" onClick={() => run(wholeShelf)}>
        <Icon name="arrow_left" />
        Back to shop
      </button>
      {product === undefined ? <ProductSkeleton /> : <ProductPage key={product.id} product={product} />}
    </section>
  );
}

function ProductPage({ product }: { readonly product: Product }): VNode {
  const { state, format, dispatch } = useShop();
  const variant = pickedVariant(product, state.picked[product.id]);
  return (
    <div class="product-page" data-testid="product-page">
      <Picture source={pictureOf(variant.image) ?? pictureOf(product.image)} />
      <div class="stack">
        <div class="stack snug">
          <ScreenHeading>{product.title}</ScreenHeading>
          <p class="product-price">
            <span class="product-page-price nums" data-testid="price">
              {format.money(variant.price)}
            </span>
            <StockNote stock={variant.stock} />
          </p>
        </div>
        <p class="quiet">{product.description}</p>
        {product.options.map(({ name, values }) => (
          <fieldset key={name} class="choices">
            <legend class="label">{capital(name)}</legend>
            {values.map((value) => {
              const target = pickVariant(product, variant, name, value);
              return (
                <label key={value} class={target.stock > 0 ? "pill" : "pill pill-out"}>
                  <input
                    type="radio"
                    name={name}
                    class="visually-hidden"
                    checked={variant.choices[name] === value}
                    onChange={() => dispatch({ type: "pick", productId: product.id, variantId: target.id })}
                  />
                  <span>
                    {value}
                    {target.stock > 0 ? null : <span class="small"> (sold out)</span>}
                  </span>
                </label>
              );
            })}
          </fieldset>
        ))}
        <BuyRow product={product} variant={variant} />
      </div>
    </div>
  );
}

function BuyRow({ product, variant }: { readonly product: Product; readonly variant: Variant }): VNode {
  const { state, run, dispatch } = useShop();
  const most = Math.max(1, Math.min(quantityMax, variant.stock));
  const quantity = Math.min(state.quantities[product.id] ?? 1, most);
  const buy = { type: "buy", productId: product.id, variantId: variant.id, quantity } as const;
  const isSoldOut = variant.stock <= 0;
  const hasOrder = state.checkout !== undefined && isOpen(state.checkout);
  return (
    <div class="buy-row">
      <Stepper
        what={product.title}
        value={quantity}
        max={most}
        onChange={(next) => dispatch({ type: "quantity", productId: product.id, quantity: next })}
      />
      <WorkButton
        class="button button-primary button-large grow"
        testId="buy"
        busy={isRunning(state, buy)}
        disabled={isSoldOut}
        onPress={() => run(buy)}
      >
        {isSoldOut ? "Sold out" : hasOrder ? "Add to order" : "Buy"}
      </WorkButton>
    </div>
  );
}

function ProductSkeleton(): VNode {
  return (
    <div class="product-page" aria-hidden="true">
      <span class="picture skeleton" />
      <div class="stack">
        <span class="skeleton skeleton-line" />
        <span class="skeleton skeleton-line skeleton-short" />
        <span class="skeleton skeleton-line" />
      </div>
    </div>
  );
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
