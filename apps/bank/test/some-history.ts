import * as fc from "fast-check";
import type { TransferRequest } from "../src/ledger.ts";

/** BANK may overdraw, the others may not. */
export const accountIds: readonly string[] = ["BANK", "A", "B", "C"];
const transferIds = Array.from({ length: 12 }, (_, n) => `T${n}`);

export const someMove: fc.Arbitrary<TransferRequest> = fc.record({
  kind: fc.constantFrom("single" as const, "pending" as const),
  id: fc.constantFrom(...transferIds),
  debitAccountId: fc.constantFrom(...accountIds),
  creditAccountId: fc.constantFrom(...accountIds),
  amount: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, 0.5, Number.MAX_SAFE_INTEGER) },
  ),
  currency: fc.constantFrom("EUR", "EUR", "EUR", "USD"),
  reference: fc.constant(""),
  expiresAt: fc.constantFrom(null, 5, 50, 500),
});

export const someResolution: fc.Arbitrary<TransferRequest> = fc.record({
  kind: fc.constantFrom("post" as const, "void" as const, "expire" as const),
  id: fc.constantFrom(...transferIds),
  pendingId: fc.constantFrom(...transferIds),
  amount: fc.constantFrom(null, 1, 7, 30),
  reference: fc.constant(""),
});

/** Requests, each with the time that passed before it. */
export const someHistory: fc.Arbitrary<[TransferRequest, number][]> = fc.array(
  fc.tuple(fc.oneof(someMove, someResolution), fc.integer({ min: 0, max: 20 })),
  { maxLength: 60 },
);
