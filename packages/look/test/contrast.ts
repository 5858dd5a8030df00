/** Reads a `light-dark(#light, #dark)` or plain `#hex` custom property of the stylesheet. */
export function readColour(css: string, name: string, theme: "light" | "dark"): string {
  const declared = new RegExp(`--${name}: ([^;]+);`).exec(css)?.[1];
  const both = /^light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)$/.exec(declared ?? "");
  const found = both === null ? /^#[0-9a-f]{6}$/.exec(declared ?? "")?.[0] : both[theme === "light" ? 1 : 2];
  if (found === undefined) throw new Error(`--${name} is not a colour: ${declared ?? "missing"}`);
  return found;
}

/** WCAG 2.2 relative luminance of `#rrggbb`. */
function luminance(hex: string): number {
  const channels = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const [r = 0, g = 0, b = 0] = channels;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG 2.2 contrast ratio, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}
