import { readLinkOffer } from "@countersign/protocol/account-link";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApp } from "../../examples/guest-link/app.ts";
import description from "../../examples/guest-link/countersign.json" with { type: "json" };
import { ClientUser, runExample, type RunningExample } from "../stack/run-example.ts";

describe("the example of a link for a guest", () => {
  let example: RunningExample;
  beforeAll(async () => {
    example = await runExample(description, makeApp);
  });
  afterAll(async () => {
    await example?.stop();
  });

  it("serves a view in a host that signs nobody in", async () => {
    const user = await ClientUser.connect(example);
    expect((await user.callAndAgree("allow", "add_title", { title: "Orlando" })).structuredContent).toEqual({ titles: ["Orlando"] });

    // What the widget library sends where its host starts no sign-in; the same person opens the link.
    const view = await ClientUser.connect(example);
    const started = await view.call("link_account", { tool: "my_list" });
    const offer = readLinkOffer(started._meta);
    if (offer === undefined) throw new Error(`no link was offered: ${JSON.stringify(started)}`);
    expect(JSON.stringify([started.structuredContent, started.content])).not.toContain(offer.handle);
    await user.person.allowDevice(offer.link);
    expect((await view.call("await_link", { handle: offer.handle })).structuredContent).toEqual({ status: "linked" });
    const list = await view.call("call_linked", { handle: offer.handle, tool: "my_list" });
    expect(list.structuredContent).toEqual({ titles: ["Orlando"] });
    expect(view.asked).toEqual([]);

    const more = await view.call("call_linked", { handle: offer.handle, tool: "add_title", arguments: { title: "Emma" } });
    expect(more).toMatchObject({ isError: true, structuredContent: { error: { code: "insufficient_scope" } } });
    await view.call("unlink_account", { handle: offer.handle });
    expect(await view.call("call_linked", { handle: offer.handle, tool: "my_list" })).toMatchObject({ isError: true });
    await view.client.close();
    await user.client.close();
  });
});
