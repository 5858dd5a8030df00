export const heightMin = 48;
export const heightMax = 1200;

/** The height a view may have in the conversation, from the one it asks for: never so small that it hides, never so tall that it takes the page over (V07). */
export function clampHeight(asked: unknown): number | undefined {
  if (typeof asked !== "number" || !Number.isFinite(asked)) return undefined;
  return Math.round(Math.min(heightMax, Math.max(heightMin, asked)));
}
