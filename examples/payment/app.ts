import { randomUUID } from "node:crypto";
import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { anonymous, either, oauth2 } from "@countersign/kit/auth";
import { createPayee } from "@countersign/kit/payment/payee";
import { requirePayment } from "@countersign/kit/payment/require-payment";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { z } from "zod";
import type { Capture } from "./capture.ts";
import { createSales, price, type Reservation } from "./sales.ts";

/** Where the app is, whom it takes tokens from, the bank that moves the money, and its client id there and at the wallet. */
export interface BoxOfficeOptions {
  readonly resource: string;
  readonly issuer: string;
  readonly payee: string;
  readonly bank: string;
}

/** A box office: anybody reserves, the user's approval of exactly this checkout pays, and the ticket belongs to whoever approved. */
export async function makeApp({ resource, issuer, bank, payee: clientId }: BoxOfficeOptions): Promise<App> {
  // A key of its own for each start is enough here. Keep a real one sealed, and publish the old one while it is in use.
  const payee = createPayee({ wallet: issuer, clientId, signingKey: await generateSigningKey() });
  const app = createApp({ name: "box-office", version: "1.0.0", title: "Box office", resource, issuer, payee });
  const reservations = new Map<string, Reservation>();
  const closing = new AbortController();
  const sales = createSales({ payee, bank, resource, signal: closing.signal });

  app.tool(
    "reserve_seat",
    {
      title: "Reserve a seat",
      description: "Reserves a seat for a show and tells its price. Nothing is paid yet.",
      input: z.object({ show: z.string().min(1).max(80) }),
      auth: anonymous(),
    },
    ({ show }) => {
      const reservation = { id: randomUUID(), show };
      reservations.set(reservation.id, reservation);
      return answer({ reservation_id: reservation.id, show, price });
    },
  );

  app.tool(
    "pay_reservation",
    {
      title: "Pay",
      description: "Pays a reservation once its user has approved payee, items and total in their wallet. Repeating the call is safe.",
      input: z.object({ reservation_id: z.uuid() }),
      auth: either(),
      annotations: { destructiveHint: true, idempotentHint: true },
    },
    async ({ reservation_id }, ctx): Promise<ToolAnswer> => {
      const reservation = reservations.get(reservation_id);
      if (reservation === undefined) return refused({ code: "not_found" });
      const payment = await requirePayment(ctx, { checkout: await sales.checkoutOf(reservation) });
      if (payment.outcome === "refused") return refused(payment.refusal);
      if (payment.outcome === "challenge") {
        // The order completes when the user approves, whether or not anybody sends this call again.
        void sales.watch(reservation, payment.requestId);
        return payment.challenge;
      }
      return conclude(reservation, await sales.settle(reservation, payment.approval));
    },
  );

  app.tool(
    "my_tickets",
    {
      title: "My tickets",
      description: "Lists the tickets of the signed-in user.",
      input: z.object({}),
      auth: oauth2("tickets:read"),
      annotations: { readOnlyHint: true },
    },
    (_args, ctx) => answer({ tickets: [...reservations.values()].filter((each) => each.owner === ctx.subject).map(ticketOf) }),
  );

  return {
    ...app,
    async close() {
      closing.abort();
      await app.close();
    },
  };
}

function conclude(reservation: Reservation, outcome: Capture): ToolAnswer {
  switch (outcome) {
    case "captured":
      return answer({ ticket: ticketOf(reservation) }, `Paid. The ticket for “${reservation.show}” is yours.`);
    case "refused":
      return refused({ code: "payment_declined" });
    case "unknown":
      return refused({ code: "payment_outcome_unknown" });
  }
}

function ticketOf(reservation: Reservation): { readonly id: string; readonly show: string } {
  return { id: reservation.id, show: reservation.show };
}
