import { z } from "zod";

/** Text that people read as it is: no control, bidirectional or invisible character, no half of a pair. */
const readable = /^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+$/u;

/** A line of text that people read, at most so many UTF-16 units. */
export function readableText(lengthMax: number): z.ZodString {
  return z.string().trim().min(1).max(lengthMax).regex(readable);
}

/** Where an order is sent. Every part is bounded; `country` and `region` are the codes of ISO 3166-1 and 3166-2. */
export const addressShape: z.ZodObject<
  {
    name: z.ZodString;
    line1: z.ZodString;
    line2: z.ZodOptional<z.ZodString>;
    postal_code: z.ZodString;
    city: z.ZodString;
    region: z.ZodOptional<z.ZodString>;
    country: z.ZodString;
  },
  z.core.$strict
> = z.strictObject({
  name: readableText(80).describe("Who receives it"),
  line1: readableText(80).describe("Street and number"),
  line2: readableText(80).optional(),
  postal_code: readableText(16),
  city: readableText(60),
  region: z
    .string()
    .regex(/^[A-Z0-9]{1,3}$/)
    .optional()
    .describe("Subdivision (ISO 3166-2 without the country), such as CA; needed in the US"),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .describe("ISO 3166-1, such as NL"),
});

export type Address = z.infer<typeof addressShape>;

/** An address on one line, at most `lengthMax` UTF-16 units: the town stays, the street is cut. */
export function addressLine(address: Address, lengthMax: number): string {
  const { line1, postal_code, city, region, country } = address;
  const town = `, ${postal_code} ${city}, ${region === undefined ? "" : `${region} `}${country}`;
  const room = lengthMax - town.length;
  return (line1.length <= room ? line1 : `${cut(line1, room - 1)}…`) + town;
}

function cut(line: string, lengthMax: number): string {
  let kept = "";
  for (const character of line) {
    if (kept.length + character.length > lengthMax) break;
    kept += character;
  }
  return kept;
}
