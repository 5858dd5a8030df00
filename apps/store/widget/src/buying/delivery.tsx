import type { VNode } from "preact";
import { Icon } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { addressLines } from "./address.ts";
import type { Checkout } from "./checkout.ts";

/** How the goods get to the buyer: the ways that the shop offers for this order, and where to. */
export function Delivery({ checkout }: { readonly checkout: Checkout }): VNode | null {
  const { state, format, dispatch } = useShop();
  const { offers, address } = checkout;
  if (offers.length === 0) return null;
  const chosen = state.wanted.option ?? checkout.option;
  return (
    <fieldset class="card card-flush delivery" data-testid="delivery">
      <legend class="visually-hidden">Delivery</legend>
      {offers.map((offer) => (
        <label key={offer.id} class="offer">
          <input
            type="radio"
            name="delivery"
            value={offer.id}
            checked={offer.id === chosen}
            onChange={() => dispatch({ type: "want", wish: { option: offer.id } })}
          />
          <span class="grow">{offer.title}</span>
          <span class="nums">{offer.amount.amount === 0 ? "Free" : format.money(offer.amount)}</span>
        </label>
      ))}
      <div class="card-foot">
        <span class="grow small">
          {address === undefined ? (
            <span class="quiet">Or have it sent to you.</span>
          ) : (
            <address class="address">
              {[...addressLines(address), format.country(address.country)].map((line) => (
                <span key={line}>{line}</span>
              ))}
            </address>
          )}
        </span>
        <button type="button" class="button button-small" data-testid="edit-address" onClick={() => dispatch({ type: "go", screen: "address" })}>
          <Icon name="edit" />
          {address === undefined ? "Enter address" : "Change address"}
        </button>
      </div>
    </fieldset>
  );
}
