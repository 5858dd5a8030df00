import { describe, expect, test } from "vitest";
import { type Address, addressLines, noAddress, problemsOf, readAddress, writeAddress } from "../../src/buying/address.ts";

const good: Address = { name: "Ada", line1: "1 Quay", line2: "", postalCode: "2611", city: "Delft", region: "", country: "NL" };
const states = [{ code: "CA" }, { code: "NY" }];

describe("an address", () => {
  test("that is whole has no problems", () => {
    expect(problemsOf(good, [])).toEqual({});
    expect(problemsOf({ ...good, country: "US", region: "CA" }, states)).toEqual({});
  });

  test.each<[change: Partial<Address>, part: keyof Address, problem: string]>([
    [{ name: "  " }, "name", "Say who receives it."],
    [{ line1: "" }, "line1", "Enter the street and number."],
    [{ postalCode: "" }, "postalCode", "Enter the postal code."],
    [{ city: "" }, "city", "Enter the town or city."],
    [{ country: "" }, "country", "Choose a country."],
    [{ city: "x".repeat(61) }, "city", "Use at most 60 characters."],
    [{ line2: "a\u202eb" }, "line2", "There is a character in it that cannot be printed."],
    [{ name: "\ud800" }, "name", "There is a character in it that cannot be printed."],
  ])("with %j says so at its part", (change, part, problem) => {
    expect(problemsOf({ ...good, ...change }, [])).toEqual({ [part]: problem });
  });

  test("may have every character that people write", () => {
    expect(problemsOf({ ...good, name: "Zoë Ødegård 東京 🙂", line1: "Straße 1–3, “Hof”" }, [])).toEqual({});
  });

  test("in a country whose regions count names one of them", () => {
    expect(problemsOf({ ...good, country: "US" }, states)).toEqual({ region: "Choose a state or region." });
    expect(problemsOf({ ...good, country: "US", region: "FL" }, states)).toEqual({ region: "Choose a state or region." });
  });

  test("goes to the shop without what is empty and comes back the same", () => {
    const whole = { ...good, line2: "Floor 2", region: "CA", country: "US" };
    expect(writeAddress(good)).toEqual({ name: "Ada", line1: "1 Quay", postal_code: "2611", city: "Delft", country: "NL" });
    expect(readAddress(writeAddress(good))).toEqual(good);
    expect(readAddress(writeAddress(whole))).toEqual(whole);
    expect(readAddress("text")).toBeUndefined();
    expect(noAddress.name).toBe("");
  });

  test("reads as an envelope does", () => {
    expect(addressLines(good)).toEqual(["Ada", "1 Quay", "2611 Delft"]);
    expect(addressLines({ ...good, line2: "Floor 2", region: "CA" })).toEqual(["Ada", "1 Quay", "Floor 2", "2611 Delft, CA"]);
  });
});
