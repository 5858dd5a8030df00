import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApp } from "../../examples/step-up/app.ts";
import description from "../../examples/step-up/countersign.json" with { type: "json" };
import { ClientUser, runExample, type RunningExample } from "../stack/run-example.ts";

describe("the example of scopes that step up", () => {
  let example: RunningExample;
  beforeAll(async () => {
    example = await runExample(description, makeApp);
  });
  afterAll(async () => {
    await example?.stop();
  });

  it("asks for a scope from inside a handler, and the same call goes on", async () => {
    const publisher = await ClientUser.connect(example);
    await publisher.callAndAgree("allow", "publish_document");
    const later = await ClientUser.connect(example, publisher);
    const changed = await later.callAndAgree("allow", "change_document", { text: "For everybody." });
    expect(changed.structuredContent).toEqual({ text: "For everybody." });
    expect(later.asked).toEqual(["docs:write", "docs:write docs:publish"]);
    await publisher.client.close();
    await later.client.close();
  });

  it("asks for each scope when a call needs it, and for none twice", async () => {
    const user = await ClientUser.connect(example);
    expect((await user.callAndAgree("allow", "read_document")).structuredContent).toEqual({ text: "A first draft.", isPublic: false });
    expect((await user.callAndAgree("allow", "change_document", { text: "A second draft." })).structuredContent).toEqual({ text: "A second draft." });
    expect((await user.call("read_document")).structuredContent).toEqual({ text: "A second draft.", isPublic: false });
    expect((await user.callAndAgree("allow", "publish_document")).structuredContent).toEqual({ isPublic: true });
    expect((await user.call("change_document", { text: "A third draft." })).structuredContent).toEqual({ text: "A third draft." });
    expect(user.asked).toEqual(["docs:read", "docs:read docs:write", "docs:read docs:write docs:publish"]);
    await user.client.close();
  });
});
