import type { Tweaks } from "./authenticator.ts";
import { formOf, type LoadedPage, type PageForm } from "./browser.ts";
import type { JsonAnswer } from "./listen.ts";
import { Person, type World } from "./world.ts";

/** Opens an account page. */
export function openAccount(world: World, person: Person, path = "/account"): Promise<LoadedPage> {
  return person.browser.open(`${world.url}${path}`);
}

/** A person who has signed up, at the account. */
export async function newMember(world: World): Promise<Person> {
  const person = new Person(world);
  await person.register(await openAccount(world, person));
  return person;
}

/** The same person at another browser, which has the passkeys but no session. */
export function elsewhere(world: World, person: Person): Person {
  const other = new Person(world);
  other.authenticator.passkeys.push(...person.authenticator.passkeys);
  return other;
}

/** Runs the ceremony of a form as the wallet's script does, and gives the answer of its last step (or of the one that was refused). */
export async function runCeremony(
  person: Person,
  form: PageForm,
  fields: Readonly<Record<string, string>> = {},
  tweaks: Tweaks = {},
): Promise<JsonAnswer> {
  const { browser, authenticator } = person;
  const started = await browser.postJson(form.options ?? "", { ...form.fields, ...fields });
  if (started.status !== 200) return started;
  const { options } = started.body;
  const credential = form.ceremony === "create" ? authenticator.create(options, tweaks) : authenticator.get(options, tweaks);
  return browser.postJson(form.action, { form_token: form.fields["form_token"], credential });
}

/** Adds a passkey on the passkeys page; gives the page after it. */
export async function addPasskey(world: World, person: Person, name: string): Promise<LoadedPage> {
  const confirmed = await runCeremony(person, formOf((await openAccount(world, person, "/account/passkeys")).html, "/passkeys/add"));
  if (confirmed.status !== 200) throw new Error(`not confirmed: ${JSON.stringify(confirmed.body)}`);
  const made = await runCeremony(person, formOf((await openAccount(world, person, "/account/passkeys/new")).html, "/passkeys/new"), {
    passkey_name: name,
  });
  if (made.status !== 200) throw new Error(`not made: ${JSON.stringify(made.body)}`);
  return openAccount(world, person, "/account/passkeys");
}

/** Makes a recovery code and puts it in force. */
export async function makeRecoveryCode(world: World, person: Person): Promise<string> {
  const made = await runCeremony(person, formOf((await openAccount(world, person, "/account/recovery")).html, "/recovery/make"));
  if (made.status !== 200) throw new Error(`not confirmed: ${JSON.stringify(made.body)}`);
  const page = await openAccount(world, person, "/account/recovery/code");
  await person.browser.submit(keepForm(page));
  return codeOn(page);
}

/** The code that a page shows. */
export function codeOn(page: LoadedPage): string {
  const code = /class="user-code[^>]*>([0-9A-Z-]+)</.exec(page.html)?.[1];
  if (code === undefined) throw new Error("the page shows no code");
  return code;
}

/** The form that puts the shown code in force. */
export function keepForm(page: LoadedPage): PageForm {
  const action = /action="(\/account\/recovery\/keep\/[^"]+)"/.exec(page.html)?.[1];
  return formOf(page.html, action ?? "no such form");
}

/** Enters a code at the recovery page; gives the page that follows. */
export async function enterCode(world: World, person: Person, code: string): Promise<LoadedPage> {
  const form = formOf((await person.browser.open(`${world.url}/recover`)).html, "/recover");
  return person.browser.submit({ ...form, fields: { ...form.fields, recovery_code: code } });
}
