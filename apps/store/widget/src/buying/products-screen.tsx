import type { VNode } from "preact";
import { isRunning } from "../shop-state.ts";
import { wholeShelf } from "./buying-state.ts";
import { Icon, ScreenHeading } from "../parts/elements.tsx";
import { ProductCard } from "./product-card.tsx";
import { useShop } from "../parts/shop-context.ts";

const categories: readonly (readonly [id: string, title: string])[] = [
  ["", "All"],
  ["kitchen", "Kitchen"],
  ["desk", "Desk"],
  ["outdoors", "Outdoors"],
  ["home", "Home"],
];

/** The shelf: categories and cards. */
export function ProductsScreen(): VNode {
  const { state, run, dispatch } = useShop();
  const loading = isRunning(state, wholeShelf);
  const products = state.products.slice(0, state.shown);
  const hidden = state.products.length - products.length;
  return (
    <section class="stack" aria-busy={loading}>
      <ScreenHeading>{state.query === "" ? "Shop" : `Results for “${state.query}”`}</ScreenHeading>
      <fieldset class="categories">
        <legend class="visually-hidden">Category</legend>
        {categories.map(([id, title]) => (
          <label key={id} class="pill">
            <input
              type="radio"
              name="category"
              class="visually-hidden"
              checked={state.category === id}
              onChange={() => run({ type: "browse", query: "", category: id })}
            />
            <span>{title}</span>
          </label>
        ))}
      </fieldset>
      {loading && products.length === 0 ? <CardSkeletons /> : null}
      {!loading && products.length === 0 && state.failure === undefined ? <NothingFound /> : null}
      <ul class={loading ? "products products-stale" : "products"}>
        {products.map((product) => (
          <ProductCard key={product.id} product={product} />
        ))}
      </ul>
      {hidden > 0 ? (
        <button type="button" class="button button-block" onClick={() => dispatch({ type: "show_all" })}>
          Show {hidden} more
        </button>
      ) : null}
    </section>
  );
}

/** The shelf before it is filled. */
export function CardSkeletons(): VNode {
  return (
    <ul class="products" aria-hidden="true">
      {[0, 1, 2, 3].map((index) => (
        <li key={index} class="product">
          <span class="picture skeleton" />
          <span class="skeleton skeleton-line" />
          <span class="skeleton skeleton-line skeleton-short" />
        </li>
      ))}
    </ul>
  );
}

function NothingFound(): VNode {
  const { run } = useShop();
  return (
    <div class="empty">
      <span class="seal">
        <Icon name="search" />
      </span>
      <h2>Nothing found</h2>
      <p>Try other words, or look at everything we have.</p>
      <button type="button" class="button" onClick={() => run(wholeShelf)}>
        Show everything
      </button>
    </div>
  );
}
