import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formsOf } from "../peers/browser.ts";
import { confirmDevice, deviceClients, enterCode, startDevice, tryConfirm } from "../peers/devices.ts";
import { Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ clients: deviceClients });
});
afterAll(() => world.close());

/** Somebody with a passkey, at the page that confirms the device. */
async function arriveAt(device: { readonly userCode: string }, person = new Person(world)) {
  const login = await enterCode(person.browser, device.userCode);
  return { person, page: await person.register(login) };
}

describe("a device code", () => {
  test("starts with everything that RFC 8628 section 3.2 names, the interval too", async () => {
    const { answer } = await startDevice(world);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
        device_code: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        verification_uri: `${world.url}/device`,
        verification_uri_complete: `${world.url}/device?user_code=${String(answer.body["user_code"])}`,
        expires_in: 600,
        interval: 5,
      },
    });
  });

  test("gives the tokens once the person has confirmed it with a fresh passkey", async () => {
    const device = await startDevice(world);
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "authorization_pending" } });
    const { person, page } = await arriveAt(device);
    expect(page.html).toContain("Living Room TV");
    expect(page.html).toContain("See your orders");
    expect(page.html).toContain(device.userCode);
    expect(page.html).toContain("Just now");
    const done = await confirmDevice(person, page);
    expect(done.html).toContain("Your other device goes on by itself.");
    const tokens = await device.poll();
    expect(tokens).toMatchObject({ status: 200, body: { token_type: "Bearer", scope: "orders:read", refresh_token: expect.any(String) } });
    const again = { grant_type: "refresh_token", client_id: "tv", refresh_token: String(tokens.body["refresh_token"]), resource: storeResource };
    expect((await redeem(world, again)).status).toBe(200);
  });

  test("is confirmed with the passkey each time, whatever was allowed before", async () => {
    const first = await startDevice(world);
    const { person, page } = await arriveAt(first);
    await confirmDevice(person, page);
    const second = await startDevice(world);
    const again = await enterCode(person.browser, second.userCode);
    expect(again.html).toContain("Sign in to Living Room TV on your other device?");
    expect(await second.poll()).toMatchObject({ body: { error: "authorization_pending" } });
  });

  test("is told at once when the person refuses", async () => {
    const device = await startDevice(world);
    const { person, page } = await arriveAt(device);
    const cancel = formsOf(page.html).find((form) => form.action.endsWith("/cancel"));
    if (cancel === undefined) throw new Error("the page has no way back");
    expect((await person.browser.submit(cancel)).html).toContain("your other device has been told");
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "access_denied" } });
    expect((await enterCode(person.browser, device.userCode)).status).toBe(403);
  });

  test("D09 is not for a client that was registered for redirects only", async () => {
    expect((await startDevice(world)).answer.status).toBe(200);
    const refused = await startDevice(world, { client_id: "web-app" });
    expect(refused.answer).toMatchObject({ status: 400, body: { error: "unauthorized_client" } });
  });

  test("D05 is good only for the client that asked, and only with its verifier", async () => {
    const device = await startDevice(world);
    const { person, page } = await arriveAt(device);
    await confirmDevice(person, page);
    for (const changes of [{ client_id: "other-tv" }, { code_verifier: undefined }, { code_verifier: "x".repeat(43) }]) {
      expect(await device.poll(changes)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    }
    expect((await device.poll()).status).toBe(200);
  });

  test("D05 cannot be started with a challenge that would protect nothing", async () => {
    for (const changes of [{ code_challenge_method: "plain" }, { code_challenge_method: undefined }, { code_challenge: "short" }]) {
      expect((await startDevice(world, changes)).answer).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    }
  });

  test("D04 of 50 parallel redemptions after the approval gives tokens once", async () => {
    const device = await startDevice(world);
    const { person, page } = await arriveAt(device);
    await confirmDevice(person, page);
    const answers = await Promise.all(Array.from({ length: 50 }, () => device.poll()));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(answers.filter((each) => each.body["error"] === "invalid_grant")).toHaveLength(49);
  });
});

describe("the device page", () => {
  test("D06 changes nothing by being opened, whoever is signed in, and nothing without the confirmation", async () => {
    const signedIn = new Person(world);
    await signedIn.signUp();
    const device = await startDevice(world);
    const linked = await signedIn.browser.open(device.complete);
    expect(linked.status).toBe(200);
    expect(linked.html).toContain(`value="${device.userCode}"`);
    expect(await device.poll()).toMatchObject({ body: { error: "authorization_pending" } });
    const form = formsOf(linked.html).find((each) => each.action.endsWith("/device"));
    if (form === undefined) throw new Error("the page has no form");
    const { confirm: _, ...unconfirmed } = form.fields;
    const refused = await signedIn.browser.submit({ ...form, fields: { ...unconfirmed, user_code: device.userCode } });
    expect(refused.status).toBe(400);
    const page = await enterCode(signedIn.browser, device.userCode);
    expect(page.html).toContain("Living Room TV");
    const bare = formsOf(page.html).find((each) => each.action.endsWith("/device"));
    expect((await signedIn.browser.postJson(bare?.action ?? "", bare?.fields)).status).toBe(400);
    // Nobody else came first: the person themself can still confirm.
    await confirmDevice(signedIn, page);
    expect((await device.poll()).status).toBe(200);
  });

  test("D06 takes no form of another site, and none without its secret", async () => {
    const device = await startDevice(world);
    const person = new Person(world);
    const page = await person.browser.open(device.complete);
    const form = formsOf(page.html).find((each) => each.action.endsWith("/device"));
    if (form === undefined) throw new Error("the page has no form");
    const filled = { ...form, fields: { ...form.fields, user_code: device.userCode } };
    const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await person.browser.submit(filled, foreign)).status).toBe(403);
    expect((await person.browser.submit({ ...filled, fields: { ...filled.fields, xsrf: "0".repeat(48) } })).status).toBe(400);
    expect((await enterCode(person.browser, device.userCode)).html).toContain("/login");
  });

  test("D08 belongs to who opened the code first: somebody else gets 403, and the first one goes on", async () => {
    const device = await startDevice(world);
    const { person, page } = await arriveAt(device);
    const other = new Person(world);
    await other.signUp();
    const taken = await enterCode(other.browser, device.userCode);
    expect(taken.status).toBe(403);
    expect(taken.html).not.toContain("Living Room TV");
    const again = await enterCode(person.browser, device.userCode);
    expect(again.html).toContain("Living Room TV");
    await confirmDevice(person, page);
    expect((await device.poll()).status).toBe(200);
  });

  test("D08 of ten browsers that open one code at the same time lets one go on", async () => {
    const device = await startDevice(world);
    const pages = await Promise.all(Array.from({ length: 10 }, () => enterCode(new Person(world).browser, device.userCode)));
    expect(pages.filter((page) => page.html.includes("/login"))).toHaveLength(1);
    expect(pages.filter((page) => page.status === 403)).toHaveLength(9);
  });

  test("a confirmation for one device confirms no other", async () => {
    const [first, second] = [await startDevice(world), await startDevice(world)];
    const { person, page } = await arriveAt(first);
    const other = await enterCode(person.browser, second.userCode);
    const form = formsOf(page.html).find((each) => each.action.endsWith("/device"));
    const mixed = await tryConfirm(person, other, { form_token: form?.fields["form_token"] ?? "" });
    expect(mixed.status).toBe(403);
    expect(await second.poll()).toMatchObject({ body: { error: "authorization_pending" } });
  });

  test("D10 says the same of a code that never was, is used, is refused, is over and is somebody else's", async () => {
    const used = await startDevice(world);
    const { person, page } = await arriveAt(used);
    await confirmDevice(person, page);
    await used.poll();
    const claimed = await startDevice(world);
    await enterCode(new Person(world).browser, claimed.userCode);
    const over = await startDevice(world);
    const bodies: string[] = [];
    const ask = async (code: string): Promise<void> => {
      const answer = await enterCode(new Person(world).browser, code);
      expect(answer.status).toBe(403);
      bodies.push(answer.html.replaceAll(/value="[0-9a-f]{48}"/g, ""));
    };
    for (const code of ["BBBB-BBBB", "no code", "", used.userCode, claimed.userCode]) await ask(code);
    world.clock.offsetMs += 601_000;
    await ask(over.userCode);
    expect(new Set(bodies).size).toBe(1);
  });
});
