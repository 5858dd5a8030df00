import type { JSX } from "preact";
import { formatMoney, formatTime } from "../format.ts";
import type { Receipt } from "../receipt.ts";
import { Icon } from "./icon.tsx";

/** What was paid, to whom, when: as the server of the tool states it. */
export function ReceiptCard({ receipt, serverName }: { readonly receipt: Receipt; readonly serverName: string }): JSX.Element {
  return (
    <section class="card card-flush receipt" aria-label="Receipt" data-testid="receipt">
      <div class="receipt-head">
        <span class="seal seal-good receipt-seal">
          <Icon name="check" />
        </span>
        <div class="grow">
          <p class="small quiet">Paid to</p>
          <p class="strong truncate" data-testid="receipt-payee">
            {receipt.payee}
          </p>
        </div>
        <p class="large nums" data-testid="receipt-total">
          {formatMoney(receipt.total.amount, receipt.total.currency)}
        </p>
      </div>
      {receipt.items.length > 0 && (
        <ul class="lines small receipt-lines">
          {receipt.items.map((item) => (
            <li key={item.name}>
              <span>
                {item.quantity > 1 && <span class="quiet nums">{item.quantity} × </span>}
                {item.name}
              </span>
              {item.amount !== undefined && <span class="amount">{formatMoney(item.amount.amount, item.amount.currency)}</span>}
            </li>
          ))}
        </ul>
      )}
      <p class="receipt-foot small quiet">
        <span>{formatTime(receipt.at, Date.now())}</span>
        {receipt.paidWith !== undefined && <span>{receipt.paidWith}</span>}
        {receipt.reference !== undefined && <span class="mono truncate">{receipt.reference}</span>}
        <span>Receipt from {serverName}</span>
      </p>
    </section>
  );
}
