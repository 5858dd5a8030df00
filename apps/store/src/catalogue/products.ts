import type { Money } from "@countersign/protocol/money";

export type Category = "kitchen" | "desk" | "outdoors" | "home";

/** In the order in which they are shown. */
export const categories: readonly Category[] = ["kitchen", "desk", "outdoors", "home"];

/** `image` is the name of a picture that ships with the view; `words` are further words that a search finds it by. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly category: Category;
  readonly price: Money;
  readonly image: string;
  readonly words: readonly string[];
  /** How many there are when the shop opens for the first time. */
  readonly openingStock: number;
}

/** Everything the shop sells, and the only source of prices. */
export const products: readonly Product[] = [
  product(
    "stoneware-mug",
    "Stoneware mug",
    "kitchen",
    1890,
    48,
    "cup coffee tea",
    "Hand-thrown, 350 ml, dipped in harbour-blue glaze. Keeps its warmth and goes in the dishwasher.",
  ),
  product(
    "enamel-kettle",
    "Enamel kettle",
    "kitchen",
    6450,
    12,
    "teapot tea stove",
    "1.8 litres of vitreous enamel on steel with a beech grip. For gas, induction and open fire.",
  ),
  product(
    "bread-board",
    "Oak bread board",
    "kitchen",
    3400,
    20,
    "cutting chopping wood",
    "One piece of European oak, oiled, with a crumb edge. 42 by 24 cm.",
  ),
  product(
    "linen-towel",
    "Linen tea towel",
    "kitchen",
    1450,
    60,
    "cloth dish kitchen",
    "Stonewashed half-linen with woven blue stripes. Dries a whole rack of glasses and softens with every wash.",
  ),
  product(
    "field-notebook",
    "Field notebook",
    "desk",
    1250,
    80,
    "paper journal writing",
    "160 dotted pages of 100 g paper, thread-bound so that it lies flat, in a cloth cover.",
  ),
  product(
    "brass-pen",
    "Brass fountain pen",
    "desk",
    7900,
    9,
    "ink writing",
    "Turned from solid brass with a steel nib, size M. Takes standard cartridges and darkens with use.",
  ),
  product(
    "desk-lamp",
    "Arc desk lamp",
    "desk",
    11900,
    7,
    "light reading",
    "Two steel arms, a shade in signal coral, and warm light that dims without flicker.",
  ),
  product(
    "letter-tray",
    "Walnut letter tray",
    "desk",
    5600,
    11,
    "paper storage wood",
    "Holds a week of A4 in dovetailed walnut. Stacks with its siblings.",
  ),
  product(
    "canvas-rucksack",
    "Canvas rucksack",
    "outdoors",
    12900,
    8,
    "backpack bag hiking",
    "22 litres of waxed cotton with leather straps and brass buckles. Takes rain as a compliment.",
  ),
  product(
    "steel-flask",
    "Steel flask",
    "outdoors",
    3950,
    34,
    "bottle thermos drink",
    "750 ml, double-walled. Hot for twelve hours, cold for a day, and it does not sweat.",
  ),
  product(
    "storm-lantern",
    "Storm lantern",
    "outdoors",
    4800,
    15,
    "light lamp camping",
    "Burns for twenty hours on one filling and stays lit in a gale. Galvanised steel, real glass.",
  ),
  product(
    "wool-beanie",
    "Ribbed wool beanie",
    "outdoors",
    3200,
    26,
    "hat winter knit",
    "Two-ply lambswool in a deep rib, with a bobble that comes off for washing.",
  ),
  product(
    "beeswax-candle",
    "Beeswax candle",
    "home",
    1680,
    40,
    "light honey",
    "Poured from pure beeswax in a honeycomb mould. Forty hours, a faint smell of summer.",
  ),
  product(
    "wool-blanket",
    "Wool blanket",
    "home",
    9800,
    10,
    "throw bed sofa",
    "Woven from recycled wool, 130 by 180 cm, with a whipped edge. Heavy enough to mean it.",
  ),
  product(
    "terracotta-planter",
    "Terracotta planter",
    "home",
    2650,
    18,
    "pot plant garden",
    "Fired at 1,040 degrees so that frost does not split it. 18 cm, with a saucer.",
  ),
  product(
    "wall-clock",
    "Quiet wall clock",
    "home",
    8400,
    6,
    "time wood",
    "A sweep movement that makes no sound, in a turned ash case. 28 cm across.",
  ),
];

const byId: ReadonlyMap<string, Product> = new Map(products.map((each) => [each.id, each]));

/** A product by its id, or undefined. */
export function findProduct(id: string): Product | undefined {
  return byId.get(id);
}

function product(
  id: string,
  title: string,
  category: Category,
  minorUnits: number,
  openingStock: number,
  words: string,
  description: string,
): Product {
  return {
    id,
    title,
    description,
    category,
    price: { amount: minorUnits, currency: "EUR" },
    image: `${id}.svg`,
    words: words.split(" "),
    openingStock,
  };
}
