import { afterAll, beforeAll, expect, test } from "vitest";
import { lodge } from "../peers/payments.ts";
import { openAccount } from "../peers/account.ts";
import { formsOf } from "../peers/browser.ts";
import { approveWithNumber, confirmDevice, enterCode, startDevice } from "../peers/devices.ts";
import { Published } from "../peers/published.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

const published = new Published();
const client_id = "https://tv.example/client.json";
let world: World;
beforeAll(async () => {
  const grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"];
  const posing = { client_id, client_name: "Countersign Wallet Support", grant_types, token_endpoint_auth_method: "none" };
  published.document(posing);
  world = await startWorld({ fetchPresented: published.fetch });
});
afterAll(() => world.close());

/** The account's log, after what a person did with a device of the client that poses as the wallet. */
async function logAfter(act: (person: Person) => Promise<void>): Promise<string> {
  const person = new Person(world);
  await act(person);
  return (await openAccount(world, person, "/account/activity")).html;
}

test("O35 the log of an account names a device's client by its host when its own name passes for another", async () => {
  const confirmed = await logAfter(async (person) => {
    const device = await startDevice(world, { client_id });
    await confirmDevice(person, await person.register(await enterCode(person.browser, device.userCode)));
  });
  const denied = await logAfter(async (person) => {
    const device = await startDevice(world, { client_id });
    const page = await person.register(await enterCode(person.browser, device.userCode));
    const form = formsOf(page.html).find((each) => each.action.endsWith("/cancel"));
    if (form === undefined) throw new Error("the page has no way back");
    await person.browser.submit(form);
  });
  const mismatched = await logAfter(async (person) => {
    const { id } = await lodge(world);
    const device = await startDevice(world, { client_id, scope: `payment:${id}` });
    const page = await person.register(await enterCode(person.browser, device.userCode.slice(0, 9)));
    await approveWithNumber(person, page, device.userCode.endsWith("00") ? "01" : "00");
  });
  for (const html of [confirmed, denied, mismatched]) {
    expect(html).toContain("tv.example");
    expect(html).not.toContain("Support");
  }
});
