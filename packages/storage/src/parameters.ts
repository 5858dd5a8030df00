/** The values that mean the same on every engine. Booleans, dates and objects do not: store 0 or 1, epoch milliseconds, JSON text. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Checks the values bound to a statement; anything but a {@link SqlValue} is a programmer error and throws. */
export function checkParameters(parameters: readonly unknown[]): SqlValue[] {
  return parameters.map((value, index) => {
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint" || value instanceof Uint8Array)
      return value;
    throw new TypeError(`statement parameter ${index + 1} is a ${typeof value}; allowed are null, number, bigint, string and bytes`);
  });
}
