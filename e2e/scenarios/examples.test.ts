import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeApp } from "../../examples/step-up/app.ts";
import description from "../../examples/step-up/countersign.json" with { type: "json" };
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runExample, type RunningExample } from "../stack/run-example.ts";

describe("an example in the console", () => {
  let example: RunningExample;
  let person: Person;

  beforeAll(async () => {
    example = await runExample(description, makeApp);
  });

  afterAll(async () => {
    await example?.stop();
  });

  beforeEach(async () => {
    person = await arrive(example.stack.urls.console);
    await person.console.connected("documents");
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  it("asks its user for the scope that is missing, and the same call goes on", async () => {
    const { console: shown } = person;
    const signIn = await openedBy(shown.page, () => shown.callTool("read_document"));
    await new WalletPage(signIn).signUpAndAllow("Ada");
    await shown.callCard("read_document").getByText("Done").waitFor();

    const stepUp = await openedBy(shown.page, () => shown.callTool("change_document", { text: "A second draft." }));
    await stepUp.getByText("Change your documents").waitFor();
    await keepPicture(stepUp, "example-step-up");
    await new WalletPage(stepUp).allow.click();
    await shown.callCard("change_document").getByText("Done").waitFor();
    await keepPicture(shown.page, "example-in-console");
  });
});
