import type { Money } from "@countersign/protocol/money";
import type { Category, Product, Variant } from "./product.ts";

/** Everything the shop sells, and the only source of prices. */
export const products: readonly Product[] = [
  product({
    id: "stoneware-mug",
    title: "Stoneware mug",
    category: "kitchen",
    price: 1890,
    stock: 48,
    grams: 420,
    words: "cup coffee tea",
    description: "Hand-thrown, 350 ml, dipped in thick glaze. Keeps its warmth and goes in the dishwasher.",
    choices: { colour: "Harbour blue" },
    others: [
      { id: "sand", choices: { colour: "Sand" }, stock: 30, picture: "sand" },
      { id: "charcoal", choices: { colour: "Charcoal" }, stock: 24, picture: "charcoal" },
    ],
  }),
  product({
    id: "enamel-kettle",
    title: "Enamel kettle",
    category: "kitchen",
    price: 6450,
    stock: 12,
    grams: 1350,
    words: "teapot tea stove",
    description: "1.8 litres of vitreous enamel on steel with a beech grip. For gas, induction and open fire.",
  }),
  product({
    id: "bread-board",
    title: "Oak bread board",
    category: "kitchen",
    price: 3400,
    stock: 20,
    grams: 1600,
    words: "cutting chopping wood",
    description: "One piece of European oak, oiled, with a crumb edge. 42 by 24 cm.",
  }),
  product({
    id: "linen-towel",
    title: "Linen tea towel",
    category: "kitchen",
    price: 1450,
    stock: 60,
    grams: 130,
    words: "cloth dish kitchen",
    description: "Stonewashed half-linen with woven stripes. Dries a whole rack of glasses and softens with every wash.",
    choices: { colour: "Blue stripe" },
    others: [{ id: "red", choices: { colour: "Red stripe" }, stock: 40, picture: "red" }],
  }),
  product({
    id: "field-notebook",
    title: "Field notebook",
    category: "desk",
    price: 1250,
    stock: 80,
    grams: 280,
    words: "paper journal writing",
    description: "160 dotted pages of 100 g paper, thread-bound so that it lies flat, in a cloth cover.",
    choices: { paper: "Dotted" },
    others: [
      { id: "lined", choices: { paper: "Lined" }, stock: 60, picture: "lined" },
      { id: "plain", choices: { paper: "Plain" }, stock: 45, picture: "plain" },
    ],
  }),
  product({
    id: "brass-pen",
    title: "Brass fountain pen",
    category: "desk",
    price: 7900,
    stock: 9,
    grams: 60,
    words: "ink writing",
    description: "Turned from solid brass with a steel nib, size M. Takes standard cartridges and darkens with use.",
    choices: { nib: "M" },
    others: [
      { id: "f", choices: { nib: "F" }, stock: 5, picture: "f" },
      { id: "b", choices: { nib: "B" }, stock: 3, picture: "b" },
    ],
  }),
  product({
    id: "desk-lamp",
    title: "Arc desk lamp",
    category: "desk",
    price: 11900,
    stock: 7,
    grams: 2400,
    words: "light reading",
    description: "Two steel arms, a shade in signal coral, and warm light that dims without flicker.",
  }),
  product({
    id: "letter-tray",
    title: "Walnut letter tray",
    category: "desk",
    price: 5600,
    stock: 11,
    grams: 1150,
    words: "paper storage wood",
    description: "Holds a week of A4 in dovetailed walnut. Stacks with its siblings.",
  }),
  product({
    id: "canvas-rucksack",
    title: "Canvas rucksack",
    category: "outdoors",
    price: 12900,
    stock: 8,
    grams: 1300,
    words: "backpack bag hiking",
    description: "22 litres of waxed cotton with leather straps and brass buckles. Takes rain as a compliment.",
    choices: { colour: "Olive" },
    others: [{ id: "ink", choices: { colour: "Ink" }, stock: 6, picture: "ink" }],
  }),
  product({
    id: "steel-flask",
    title: "Steel flask",
    category: "outdoors",
    price: 3950,
    stock: 34,
    grams: 390,
    words: "bottle thermos drink",
    description: "750 ml, double-walled. Hot for twelve hours, cold for a day, and it does not sweat.",
    choices: { colour: "Steel" },
    others: [{ id: "coral", choices: { colour: "Coral" }, stock: 22, price: 4250, picture: "coral" }],
  }),
  product({
    id: "storm-lantern",
    title: "Storm lantern",
    category: "outdoors",
    price: 4800,
    stock: 15,
    grams: 1250,
    words: "light lamp camping",
    description: "Burns for twenty hours on one filling and stays lit in a gale. Galvanised steel, real glass.",
  }),
  product({
    id: "wool-beanie",
    title: "Ribbed wool beanie",
    category: "outdoors",
    price: 3200,
    stock: 26,
    grams: 110,
    words: "hat winter knit",
    description: "Two-ply lambswool in a deep rib, with a bobble that comes off for washing.",
    choices: { size: "M", colour: "Navy" },
    others: [
      { id: "l-navy", choices: { size: "L", colour: "Navy" }, stock: 14 },
      { id: "m-oat", choices: { size: "M", colour: "Oat" }, stock: 18, picture: "oat" },
      { id: "l-oat", choices: { size: "L", colour: "Oat" }, stock: 9, picture: "oat" },
    ],
  }),
  product({
    id: "beeswax-candle",
    title: "Beeswax candle",
    category: "home",
    price: 1680,
    stock: 40,
    grams: 350,
    words: "light honey",
    description: "Poured from pure beeswax in a honeycomb mould. Forty hours, a faint smell of summer.",
  }),
  product({
    id: "wool-blanket",
    title: "Wool blanket",
    category: "home",
    price: 9800,
    stock: 10,
    grams: 1400,
    words: "throw bed sofa",
    description: "Woven from recycled wool, 130 by 180 cm, with a whipped edge. Heavy enough to mean it.",
    choices: { colour: "Slate" },
    others: [{ id: "oat", choices: { colour: "Oat" }, stock: 7, picture: "oat" }],
  }),
  product({
    id: "terracotta-planter",
    title: "Terracotta planter",
    category: "home",
    price: 2650,
    stock: 18,
    grams: 1900,
    words: "pot plant garden",
    description: "Fired at 1,040 degrees so that frost does not split it. 18 cm, with a saucer.",
  }),
  product({
    id: "wall-clock",
    title: "Quiet wall clock",
    category: "home",
    price: 8400,
    stock: 6,
    grams: 900,
    words: "time wood",
    description: "A sweep movement that makes no sound, in a turned ash case. 28 cm across.",
  }),
];

/** Everything that can be bought, each with its own price and stock. */
export const variants: readonly Variant[] = products.flatMap((each) => each.variants);

const byId: ReadonlyMap<string, Product> = new Map(products.map((each) => [each.id, each]));

/** A product by its id, or undefined. */
export function findProduct(id: string): Product | undefined {
  return byId.get(id);
}

/** Prices in euro cents, weights in grams. `others` are variants beside the first; what they do not say is as for the first. */
interface ProductRow {
  readonly id: string;
  readonly title: string;
  readonly category: Category;
  readonly price: number;
  readonly stock: number;
  readonly grams: number;
  readonly words: string;
  readonly description: string;
  readonly choices?: Variant["choices"];
  readonly others?: readonly OtherRow[];
}

/** `picture`: what its own picture is called after the product's; without it looks like the first. */
interface OtherRow {
  readonly id: string;
  readonly choices: Variant["choices"];
  readonly stock: number;
  readonly price?: number;
  readonly picture?: string;
}

function product(row: ProductRow): Product {
  const { id, title, description, category, grams, choices = {}, others = [] } = row;
  const image = `${id}.svg`;
  const first: Variant = { id, choices, price: euros(row.price), image, grams, openingStock: row.stock };
  const rest = others.map(
    (other): Variant => ({
      id: `${id}-${other.id}`,
      choices: other.choices,
      price: euros(other.price ?? row.price),
      image: other.picture === undefined ? image : `${id}-${other.picture}.svg`,
      grams,
      openingStock: other.stock,
    }),
  );
  return { id, title, description, category, price: first.price, image, words: row.words.split(" "), variants: [first, ...rest] };
}

function euros(amount: number): Money {
  return { amount, currency: "EUR" };
}
