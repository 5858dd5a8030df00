import type { VNode } from "preact";

/** Said only when there are few or none: it is what decides. */
export function StockNote({ stock }: { readonly stock: number }): VNode | null {
  if (stock <= 0) return <span class="small quiet">Sold out</span>;
  return stock < 10 ? <span class="small quiet">{stock} left</span> : null;
}
