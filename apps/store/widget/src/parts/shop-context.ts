import { type Context, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Controller } from "../controller.ts";
import type { Format } from "../format.ts";
import type { ShopState } from "../shop-state.ts";

/** What every screen gets. */
export interface Shop {
  readonly state: ShopState;
  readonly format: Format;
  readonly run: Controller["run"];
  readonly dispatch: Controller["dispatch"];
  /** Moves the link by which the user acts into a place; the function that it gives moves it back above the shop. */
  readonly borrowLink: (into: Element) => () => void;
}

export const ShopContext: Context<Shop | undefined> = createContext<Shop | undefined>(undefined);

/** The shop around this component. Throws outside of one. */
export function useShop(): Shop {
  const shop = useContext(ShopContext);
  if (shop === undefined) throw new TypeError("there is no shop around this component");
  return shop;
}
