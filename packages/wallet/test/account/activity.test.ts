import { afterAll, beforeAll, expect, test } from "vitest";
import { formOf, type LoadedPage } from "../peers/browser.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const activity = (person: Person, query = ""): Promise<LoadedPage> => person.browser.open(`${world.url}/account/activity${query}`);

/** The sentences of a page, the newest first. */
function sentences(page: LoadedPage): readonly string[] {
  return [...page.html.matchAll(/<bdi>([^<]*)<\/bdi>/g)].map(([, sentence = ""]) => sentence);
}

test("shows what happened to the account, the newest first, with when and from which network", async () => {
  const person = new Person(world);
  const approved = await lodge(world);
  const declined = await lodge(world);
  await person.signUp();
  await person.usePasskey(await person.browser.open(approved.request.url), "/approve");
  const page = await person.browser.open(declined.request.url);
  await person.browser.submit(formOf(page.html, "/decline"));
  const shown = await activity(person);
  expect(sentences(shown)).toEqual([
    "You declined €42.50 for Harbour Goods",
    "You approved €42.50 for Harbour Goods",
    "You allowed Countersign Console",
    "Your wallet was made",
  ]);
  expect(shown.html).toContain("from 127.0.0.0/24");
  expect(shown.html).toMatch(/<time datetime="\d{4}-/);
});

test("X04 shows refused answers in the name of a passkey to its owner, and the sign-in that worked", async () => {
  const person = new Person(world);
  await person.signUp();
  const visitor = new Person(world);
  visitor.authenticator.passkeys.push(...person.authenticator.passkeys);
  await visitor.tryPasskey(await visitor.browser.open(authorizationRequest(world).url), "/login", { breakSignature: true });
  await visitor.usePasskey(await visitor.browser.open(authorizationRequest(world).url), "/login");
  expect(sentences(await activity(person)).slice(0, 2)).toEqual(["Signed in", "An answer in the name of your passkey was refused"]);
});

test("shows nothing of another account, whatever position is asked for", async () => {
  const [ada, eve] = [new Person(world), new Person(world)];
  await ada.signUp();
  const { request } = await lodge(world);
  await ada.usePasskey(await ada.browser.open(request.url), "/approve");
  await eve.signUp();
  for (const query of ["", "?after=0", "?after=%00", `?after=${"9".repeat(300)}`, "?after=0&after=1"]) {
    const shown = await activity(eve, query);
    expect(shown.status).toBe(200);
    expect(shown.html).not.toContain("You approved");
  }
});

test("shows a changed name and a sign-out", async () => {
  const person = new Person(world);
  await person.signUp();
  const account = await person.browser.open(`${world.url}/account`);
  const form = formOf(account.html, "/account/name");
  await person.browser.submit({ ...form, fields: { ...form.fields, display_name: "Countess" } });
  await person.browser.submit(formOf(account.html, "/account/sign-out"));
  const back = await person.usePasskey(await activity(person), "/login");
  expect(sentences(back).slice(0, 3)).toEqual(["Signed in", "Signed out", "Your name was changed"]);
});

test("older entries are one link away", async () => {
  const person = new Person(world);
  await person.signUp();
  for (let count = 0; count < 51; count += 1) {
    const visitor = new Person(world);
    visitor.authenticator.passkeys.push(...person.authenticator.passkeys);
    await visitor.tryPasskey(await visitor.browser.open(authorizationRequest(world).url), "/login", { breakSignature: true });
  }
  const first = await activity(person);
  expect(sentences(first)).toHaveLength(50);
  const [, older = ""] = /href="(\/account\/activity\?after=[^"]+)"/.exec(first.html) ?? [];
  const second = await person.browser.open(new URL(older, world.url).href);
  expect(sentences(second).at(-1)).toBe("Your wallet was made");
  expect(second.html).not.toContain("Show older");
});

test("a browser without a session is sent to sign in", async () => {
  expect((await activity(new Person(world))).html).toContain("Sign in with a passkey");
});
