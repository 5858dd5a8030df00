import { afterAll, beforeAll, expect, test } from "vitest";
import { formOf, formsOf, type LoadedPage, type PageForm } from "../peers/browser.ts";
import { addPasskey, enterCode, keepForm, makeRecoveryCode, newMember, openAccount, runCeremony } from "../peers/account.ts";
import { deviceClients, enterCode as enterDeviceCode, startDevice } from "../peers/devices.ts";
import { lodge } from "../peers/payments.ts";
import { handToPhone } from "../peers/phones.ts";
import { authorizationRequest, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ clients: deviceClients });
});
afterAll(() => world.close());

/** A form with the person whose browser shows it. */
interface Shown {
  readonly person: Person;
  readonly form: PageForm;
}

/** What a form is, whatever it is about: ids and codes in its address are left out. */
function kindOf(form: PageForm): string {
  return form.action.replaceAll(/[A-Za-z0-9_-]{20,}/g, "*");
}

/** Another site and another form are forbidden; what a payment's page did not show is a mismatch. */
const refusals: readonly number[] = [403, 409];

/** Posts a form as its page does, with this token in place of its own; gives the status. */
async function statusOf(person: Person, form: PageForm, form_token: string | undefined, headers: Readonly<Record<string, string>>): Promise<number> {
  const { browser } = person;
  const { form_token: _own, ...others } = form.fields;
  const fields = form_token === undefined ? others : { ...others, form_token };
  const url = new URL(form.action, browser.origin).href;
  const isScripted = form.ceremony !== undefined;
  const response = await browser.send(url, {
    method: "POST",
    headers: { "content-type": isScripted ? "application/json" : "application/x-www-form-urlencoded", origin: browser.origin, ...headers },
    body: isScripted ? JSON.stringify(fields) : new URLSearchParams(fields).toString(),
  });
  await response.body?.cancel();
  return response.status;
}

const accountPaths = ["", "/passkeys", "/recovery", "/limits", "/policies", "/apps", "/sessions", "/payments", "/activity"];

/** Opens every page that a person meets, and gives one form of each kind. */
async function everyForm(): Promise<{ readonly shown: readonly Shown[]; readonly owner: Person }> {
  const shown: Shown[] = [];
  const see = (person: Person, page: LoadedPage): LoadedPage => {
    for (const form of formsOf(page.html)) if (!shown.some((each) => kindOf(each.form) === kindOf(form))) shown.push({ person, form });
    return page;
  };
  const guest = new Person(world);
  const open = async (person: Person, url: string) => see(person, await person.browser.open(url));
  await open(guest, authorizationRequest(world).url);
  await open(guest, `${world.url}/recover`);
  await open(guest, `${world.url}/device`);

  const owner = await newMember(world);
  const consent = await owner.browser.open(authorizationRequest(world).url);
  await owner.browser.submit(formOf(consent.html, "/consent"));
  await owner.usePasskey(await owner.browser.open((await lodge(world)).request.url), "/approve");
  // What is attacked has to be open still: these pages are left as they are.
  await open(owner, authorizationRequest(world, { scope: "orders:read orders:write" }).url);
  await open(owner, (await lodge(world)).request.url);
  see(owner, await enterDeviceCode(owner.browser, (await startDevice(world)).userCode));
  const link = await open(owner, `${world.url}/approve/${(await lodge(world)).id}`);
  const ticket = await handToPhone(owner.browser, link);
  see(owner, ticket.page);
  await open(guest, ticket.address);

  await addPasskey(world, owner, "Second");
  const elsewhere = new Person(world);
  elsewhere.authenticator.passkeys.push(...owner.authenticator.passkeys);
  await elsewhere.usePasskey(await elsewhere.browser.open(authorizationRequest(world).url), "/login");
  const recovery = await makeRecoveryCode(world, owner);
  const policy = formOf((await openAccount(world, owner, "/account/policies")).html, "/policies/new");
  await runCeremony(owner, policy, { payee_id: "store", currency: "EUR", ceiling: "10.00", budget: "20.00", period: "month", days: "30" });
  for (const path of accountPaths) see(owner, await openAccount(world, owner, `/account${path}`));
  const confirmed = await runCeremony(owner, formOf((await openAccount(world, owner, "/account/passkeys")).html, "/passkeys/add"));
  expect(confirmed.status).toBe(200);
  see(owner, await openAccount(world, owner, "/account/passkeys/new"));
  const making = await runCeremony(owner, formOf((await openAccount(world, owner, "/account/recovery")).html, "/recovery/make"));
  expect(making.status).toBe(200);
  const code = await openAccount(world, owner, "/account/recovery/code");
  shown.push({ person: owner, form: keepForm(code) });
  const receipts = await openAccount(world, owner, "/account/payments");
  const receipt = /href="(\/account\/payments\/[^"]+)"/.exec(receipts.html)?.[1];
  see(owner, await openAccount(world, owner, receipt ?? "/account/payments"));
  see(guest, await enterCode(world, guest, recovery));
  return { shown, owner };
}

/** It is oidc-provider's own, with a secret of its session (D06). */
const withoutToken: readonly string[] = ["/device"];

const expected: readonly string[] = [
  "/account/apps/*/disconnect",
  "/account/limits/currency/CHF",
  "/account/limits/currency/EUR",
  "/account/limits/currency/GBP",
  "/account/limits/currency/USD",
  "/account/limits/time-zone",
  "/account/name",
  "/account/passkeys/*/name",
  "/account/passkeys/*/remove",
  "/account/passkeys/add",
  "/account/passkeys/new",
  "/account/payments/*/withdraw",
  "/account/policies/*/end",
  "/account/policies/new",
  "/account/recovery/keep/*",
  "/account/recovery/make",
  "/account/sessions/*/end",
  "/account/sessions/end-others",
  "/account/sign-out",
  "/approve/phone/*",
  "/device",
  "/interaction/*/approve",
  "/interaction/*/cancel",
  "/interaction/*/consent",
  "/interaction/*/decline",
  "/interaction/*/device",
  "/interaction/*/login",
  "/interaction/*/phone",
  "/interaction/*/register",
  "/recover",
  "/recover/passkey",
];

test("L10 O36 every form of the wallet is refused from another site, without its token, and with that of another form", {
  timeout: 120_000,
}, async () => {
  const { shown, owner } = await everyForm();
  expect(shown.map(({ form }) => kindOf(form)).toSorted()).toEqual(expected);
  const activity = async (): Promise<string> => (await openAccount(world, owner, "/account/activity")).html;
  const before = await activity();
  const stranger = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const tokenAt = (at: number): string => shown.at(at % shown.length)?.form.fields["form_token"] ?? "";
  const othersOf = (at: number): readonly string[] => [1, 2, 3, 4].map((step) => tokenAt(at + step)).filter((token) => token !== tokenAt(at));
  for (const [at, { person, form }] of shown.entries()) {
    const kind = kindOf(form);
    expect("form_token" in form.fields, `${kind} has a token`).toBe(!withoutToken.includes(kind));
    const wrong = withoutToken.includes(kind) ? [] : [undefined, "", "x", ...othersOf(at)];
    for (const action of form.options === undefined ? [form.action] : [form.options, form.action]) {
      const post = (form_token: string | undefined, headers = {}) => statusOf(person, { ...form, action }, form_token, headers);
      expect(await post(form.fields["form_token"], stranger), `${kind} from another site`).toBe(403);
      // The end of a ceremony is nothing without a credential, which may be missed before the token is looked at; and the token of a recovery is its ticket.
      const isBare = (action === form.action && form.options !== undefined) || kind === "/recover/passkey";
      const refused = isBare ? [400, ...refusals] : refusals;
      for (const token of wrong) expect(refused, `${kind} with the token ${token ?? "(none)"}`).toContain(await post(token));
    }
  }
  expect(await activity()).toEqual(before);

  // Each of them was open all the while: with its own token it gets past the door, whatever it then lacks. A ticket comes before the form that makes the next one,
  // and the way out comes last.
  const leaving = (kind: string): number =>
    Number(kind.endsWith("sign-out") || kind.includes("/sessions/")) - Number(kind.startsWith("/approve/phone/"));
  for (const { person, form } of shown.toSorted((one, other) => leaving(kindOf(one.form)) - leaving(kindOf(other.form)))) {
    // What is typed at the first two is forbidden as well when it is no code; and what a phone has taken is not handed on again.
    if (["/recover", "/device", "/interaction/*/phone"].includes(kindOf(form))) continue;
    const address = form.options ?? form.action;
    expect(refusals, `${kindOf(form)} itself`).not.toContain(await statusOf(person, { ...form, action: address }, form.fields["form_token"], {}));
  }
});
