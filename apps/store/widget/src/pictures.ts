const files: Readonly<Record<string, string>> = import.meta.glob<string>("../../assets/*.svg", { query: "?raw", import: "default", eager: true });

const byName: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, svg]) => [path.slice(path.lastIndexOf("/") + 1), `data:image/svg+xml,${encodeURIComponent(svg)}`]),
);

/** A picture that ships with the view, as a data URI, by the name that a product gives. */
export function pictureOf(name: string): string | undefined {
  return byName.get(name);
}

/** The picture of a product by its id. */
export function pictureOfProduct(productId: string): string | undefined {
  return byName.get(`${productId}.svg`);
}
