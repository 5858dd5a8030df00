import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApp } from "../../examples/mixed-auth/app.ts";
import description from "../../examples/mixed-auth/countersign.json" with { type: "json" };
import { ClientUser, runExample, type RunningExample } from "../stack/run-example.ts";

describe("the example of mixed authentication", () => {
  let example: RunningExample;
  beforeAll(async () => {
    example = await runExample(description, makeApp);
  });
  afterAll(async () => {
    await example?.stop();
  });

  it("answers everybody, and shows more to whoever is signed in", async () => {
    const user = await ClientUser.connect(example);
    const before = await user.call("search_books", { query: "calvino" });
    expect(before.structuredContent).toEqual({ books: [expect.objectContaining({ title: "Invisible Cities", borrowed: false })] });
    expect(user.asked).toEqual([]);

    const loans = await user.callAndAgree("allow", "my_loans");
    expect(loans.structuredContent).toEqual({ books: [expect.objectContaining({ title: "Invisible Cities" })] });
    expect(user.asked).toEqual(["loans:read"]);

    const after = await user.call("search_books", { query: "calvino" });
    expect(after.structuredContent).toEqual({ books: [expect.objectContaining({ borrowed: true })] });
    await user.client.close();
  });
});
