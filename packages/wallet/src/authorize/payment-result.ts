import type { InteractionResults } from "oidc-provider";
import { z } from "zod";

/** What the payment prompt leaves in an interaction's result: the requests approved here, and the new grant that carries their scopes. */
export interface PaymentResult {
  readonly approved: readonly string[];
  readonly grantId: string;
}

const shape = z.object({ approved: z.array(z.string()), grantId: z.string() });

/** Reads the payment prompt's part of a result; undefined when the prompt has not run in this interaction. */
export function readPaymentResult(result: InteractionResults | undefined): PaymentResult | undefined {
  return shape.safeParse(result?.["payment"]).data;
}
