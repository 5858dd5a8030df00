import { openDatabase } from "@countersign/storage/open";
import { describe, expect, it } from "vitest";
import { cutEverywhere } from "./cut.ts";
import { journeys } from "./journeys.ts";

/** Journeys at a time: they wait for each other's network more than for the processor. */
const lanes = 4;

describe("I2 I3 I4 I5 a host that dies right before or right after any of its writes", () => {
  it.each(journeys)("loses nothing, does nothing twice and leaves nothing open in $name", { timeout: 240_000 }, async (journey) => {
    const memory = { open: () => openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] }), hosts: 1, lanes };
    const { clean, failures, missed } = await cutEverywhere(journey, memory);
    expect(clean).toMatchObject({ broken: [], deaths: [] });
    expect(clean.points.length).toBeGreaterThanOrEqual(4);
    expect(failures).toEqual([]);
    expect(missed).toEqual([]);
  });
});
