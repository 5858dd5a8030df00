import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPayee, type PaymentApproval, type SignedCheckout } from "@countersign/kit/payment/payee";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { member } from "@countersign/protocol/shape";

/** A payment request that a payee lodged, and its page at the wallet. */
export interface LodgedPayment {
  readonly id: string;
  readonly link: string;
  readonly checkout: SignedCheckout;
}

/** A payee beside the store: it asks a wallet for payments of one sum, and takes them at a bank. */
export interface SpendingPayee {
  lodge(): Promise<LodgedPayment>;
  /** The approval, verified; undefined while there is none. */
  approvalOf(payment: LodgedPayment): Promise<PaymentApproval | undefined>;
  /** A request to the bank; gives its JSON. */
  bank(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
  /** Sets the money of an approval aside, and gives the payment's id. */
  authorize(approval: PaymentApproval): Promise<string>;
}

export interface PayeeAddress {
  readonly jwksUri: string;
  /** The server that its payments are for. */
  readonly resource: string;
  /** Begins to take payments of so many minor units of euros. */
  open(walletUrl: string, bankUrl: string, amount: number): SpendingPayee;
  close(): void;
}

/** A payee whose key is published before anybody is started that must know of it. */
export async function publishPayee(clientId: string): Promise<PayeeAddress> {
  const signingKey = await generateSigningKey();
  const payeeAt = (wallet: string): ReturnType<typeof createPayee> => createPayee({ wallet, clientId, signingKey });
  const keys = JSON.stringify(payeeAt("http://localhost:1").publicKeys());
  const server = createServer((_request, response) => void response.setHeader("content-type", "application/json").end(keys));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: Pick<AddressInfo, "port"> = Object(server.address());
  const resource = `http://127.0.0.1:${port}/mcp`;
  return {
    jwksUri: `http://127.0.0.1:${port}/jwks`,
    resource,
    close: () => void server.close(),
    open(walletUrl, bankUrl, amount) {
      const payee = payeeAt(walletUrl);
      const bank: SpendingPayee["bank"] = async (method, path, body) => {
        const headers = new Headers({ authorization: `Bearer ${(await payee.assertion(bankUrl)).reveal()}`, "idempotency-key": randomUUID() });
        if (body !== undefined) headers.set("content-type", "application/json");
        const response = await fetch(`${bankUrl}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
        const answer: unknown = await response.json();
        if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
        return answer;
      };
      return {
        bank,
        async lodge() {
          const terms = { id: `co_${randomUUID()}`, version: 1, amount, currency: "EUR", resource };
          const checkout = await payee.signCheckout({ ...terms, items: [{ name: "Mug", quantity: 1, amount }] });
          const lodged = await payee.lodge(checkout);
          if (!lodged.ok || lodged.value.approvalLink === undefined) throw new Error("the payment was not lodged");
          return { id: lodged.value.id, link: lodged.value.approvalLink, checkout };
        },
        async approvalOf({ id, checkout }) {
          const read = await payee.read(id, 0);
          if (!read.ok || read.value.status !== "approved") return undefined;
          const verified = await payee.verify(read.value, checkout);
          if (!verified.ok) throw new Error(`the mandate is not good: ${verified.error.code}`);
          return verified.value;
        },
        async authorize({ mandate, claims, checkoutHash }) {
          const asked = { mandate: mandate.reveal(), amount, currency: "EUR", checkout_hash: checkoutHash, capture: false };
          return String(member(await bank("POST", "/payments", { id: `pay_${claims.jti}`, ...asked }), "id"));
        },
      };
    },
  };
}
