/** The work of the tool that every contestant of `kit-call` offers: price a line of an order. */
export function quote(args: { readonly sku: string; readonly quantity: number }): { sku: string; quantity: number; total: number; currency: string } {
  return { sku: args.sku, quantity: args.quantity, total: 1250 * args.quantity, currency: "EUR" };
}

export const quoteTool = { name: "quote", title: "Quote", description: "Prices a line of an order.", text: "Quoted." } as const;

export const serverInfo = { name: "shop", version: "1.0.0" } as const;
