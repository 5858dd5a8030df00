import { errorCatalogue, type ErrorCode, type HttpErrorBody } from "@countersign/protocol/errors";
import { z } from "zod";

export const errorCode: z.ZodType<ErrorCode> = z
  .enum(Object.keys(errorCatalogue))
  .refine((code): code is ErrorCode => Object.hasOwn(errorCatalogue, code))
  .meta({ id: "ErrorCode", description: "A code of the catalogue (docs/errors.md). Stable once released; new ones may be added." });

/** What a larger answer holds of a refusal. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export const publicError: z.ZodType<PublicError> = z
  .strictObject({ code: errorCode, message: z.string().describe("For people."), retryable: z.boolean() })
  .meta({ id: "PublicError" });

/** The body of every refusal. */
export const httpError: z.ZodType<HttpErrorBody> = z
  .strictObject({
    error: z.string().describe("The code, or its name in OAuth where it has one."),
    error_description: z.string().describe("For people."),
    code: errorCode,
    retryable: z.boolean().describe("Whether the same request may succeed later."),
    detail: z.string().max(300).exactOptional().describe("For developers; never a secret."),
  })
  .meta({ id: "Error" });
