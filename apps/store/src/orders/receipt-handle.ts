import type { Sealer } from "@countersign/storage/sealed";

/** Where an answer has the handle of its receipt: hidden from the model. */
export const receiptMetaKey = "store/receipt";

/** Makes the right to read one order without signing in. It goes to whoever was asked to pay as a guest, and nowhere else. */
export function receiptHandle(sealer: Sealer, orderId: string): string {
  return sealer.seal(orderId, sealName);
}

/** The order that a handle is for; undefined for a text that is no handle of this store. */
export function orderOfReceipt(sealer: Sealer, handle: string): string | undefined {
  const opened = sealer.open(handle, sealName);
  return opened.ok ? opened.value : undefined;
}

const sealName = "store:receipt";
