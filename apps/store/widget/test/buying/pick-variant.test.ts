import { describe, expect, test } from "vitest";
import { pickedVariant, pickVariant } from "../../src/buying/pick-variant.ts";
import type { Product, Variant } from "../../src/buying/product.ts";

const price = { amount: 3200, currency: "EUR" };
const variant = (id: string, size: string, colour: string, stock = 5): Variant => ({
  id,
  title: id,
  choices: { size, colour },
  price,
  image: `${id}.svg`,
  stock,
});
const [mNavy, lNavy, mOat, sRed] = [
  variant("m-navy", "M", "Navy"),
  variant("l-navy", "L", "Navy"),
  variant("m-oat", "M", "Oat"),
  variant("s-red", "S", "Red"),
];
const product = (variants: Product["variants"]): Product => ({
  id: "beanie",
  title: "Beanie",
  description: "",
  price,
  image: "beanie.svg",
  category: "outdoors",
  stock: 5,
  options: [],
  variants,
});

describe("the variant of a product", () => {
  test("is the one that was picked, else the first that can be bought, else the first", () => {
    const gone = { ...mNavy, stock: 0 };
    expect(pickedVariant(product([mNavy, lNavy]), "l-navy")).toBe(lNavy);
    expect(pickedVariant(product([mNavy, lNavy]), undefined)).toBe(mNavy);
    expect(pickedVariant(product([mNavy, lNavy]), "of another product")).toBe(mNavy);
    expect(pickedVariant(product([gone, lNavy]), undefined)).toBe(lNavy);
    expect(pickedVariant(product([gone]), undefined)).toBe(gone);
  });

  test("with another value keeps what else was chosen, where there is such a one", () => {
    expect(pickVariant(product([mNavy, lNavy, mOat]), lNavy, "size", "M")).toBe(mNavy);
    expect(pickVariant(product([mNavy, lNavy, mOat]), mNavy, "colour", "Oat")).toBe(mOat);
    const lOat = variant("l-oat", "L", "Oat");
    expect(pickVariant(product([mNavy, lNavy, mOat, lOat]), lOat, "size", "M")).toBe(mOat);
  });

  test("with a value that the rest does not go with is one that can be bought, else the first with that value", () => {
    const goneOat = { ...mOat, stock: 0 };
    const largeOat = variant("xl-oat", "XL", "Oat");
    expect(pickVariant(product([mNavy, lNavy, mOat, sRed]), lNavy, "colour", "Red")).toBe(sRed);
    expect(pickVariant(product([lNavy, goneOat, largeOat]), lNavy, "colour", "Oat")).toBe(largeOat);
    expect(pickVariant(product([lNavy, goneOat]), lNavy, "colour", "Oat")).toBe(goneOat);
    expect(pickVariant(product([lNavy]), lNavy, "colour", "Oat")).toBe(lNavy);
  });

  test("that is sold out is still the one that was asked for, so that it can be said", () => {
    const goneOat = { ...mOat, stock: 0 };
    expect(pickVariant(product([mNavy, goneOat, variant("l-oat", "L", "Oat")]), mNavy, "colour", "Oat")).toBe(goneOat);
  });
});
