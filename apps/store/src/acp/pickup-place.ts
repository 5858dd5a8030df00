import type { Address } from "../checkout/address.ts";

/** Where orders that are not sent are collected: the shop. */
export const pickupPlace: Address = { name: "Harbour Goods", line1: "Kade 12", postal_code: "1011 AB", city: "Amsterdam", country: "NL" };
