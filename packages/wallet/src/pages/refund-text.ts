import type { text } from "./text.ts";

type RefundText = Pick<typeof text.payment, "title" | "approve" | "available"> & Readonly<Record<"pays" | "from" | "order", string>>;

/** What the payment page says where money comes back. */
export const refundText: RefundText = {
  title: (payee: string): string => `Refund from ${payee}`,
  from: "You get money back from",
  order: "For order",
  pays: "To your account",
  approve: (amount: string): string => `Take ${amount} back`,
  available: (description: string, _amount: string): string => description,
};
