import type { EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { CheckoutStatus } from "@countersign/protocol/payment";
import type { Address } from "./address.ts";
import { canChange, type Checkout } from "./checkout.ts";
import { type Destination, destinations } from "./destinations.ts";
import type { Shipping } from "./price.ts";
import type { ShippingOffer } from "./shipping.ts";
import type { Tax } from "./tax.ts";
import { type LineView, viewLines } from "./view-lines.ts";

/** What model and widget see of a checkout: figures, a status, no signed object. */
export interface CheckoutView {
  readonly id: string;
  readonly version: number;
  readonly status: CheckoutStatus;
  readonly items: readonly LineView[];
  readonly shipping?: Omit<Shipping, "offers" | "address"> & { readonly address?: Address };
  /** What could be chosen instead, while it can be. */
  readonly shipping_options?: readonly ShippingOffer[];
  /** Where it could be sent, while that can be chosen. */
  readonly destinations?: readonly Destination[];
  readonly tax?: Tax;
  readonly total: Money;
  readonly expires_at: string;
  readonly last_refusal?: ErrorCode;
}

/** Shows a checkout; its address and what else could be chosen only while it can be changed. One whose time is over reads as expired before the row says so. */
export function viewCheckout(checkout: Checkout, now: EpochMs): CheckoutView {
  const over = checkout.status === "priced" && checkout.expiresAt <= now;
  return {
    id: checkout.id,
    version: checkout.version,
    status: over ? "expired" : checkout.status,
    items: viewLines(checkout.lines),
    ...viewShipping(checkout),
    ...(checkout.tax === null ? {} : { tax: checkout.tax }),
    total: checkout.total,
    expires_at: new Date(checkout.expiresAt).toISOString(),
    ...(checkout.lastRefusal === null ? {} : { last_refusal: checkout.lastRefusal }),
  };
}

function viewShipping({ shipping, status }: Checkout): Pick<CheckoutView, "shipping" | "shipping_options" | "destinations"> {
  if (shipping === null) return {};
  const { address, offers, ...rest } = shipping;
  if (!canChange(status)) return { shipping: rest };
  return { shipping: address === null ? rest : { ...rest, address }, shipping_options: offers, destinations };
}

/** A past version as tools answer it. */
export interface PastVersionView {
  readonly version: number;
  readonly total: Money;
  readonly ended_at: string;
  readonly why: string;
}

/** Shows what a checkout was before. */
export function viewPast(checkout: Checkout): readonly PastVersionView[] {
  return checkout.past.map(({ version, total, endedAt, why }) => ({ version, total, ended_at: new Date(endedAt).toISOString(), why }));
}
