import { isJsonObject, member } from "./shape.ts";

/**
 * Words that name a secret, one or several that follow one another; compared with whole words of a name, a title or a description, so that "author" and
 * "shipping" name none.
 */
const secretWords: readonly string[] = [
  ..."password|passwords|passwd|passwort|passphrase|pass phrase|pass word|pass code|passcode|pwd|kennwort|contrasena|senha|mot de passe|login data|pin|pincode|geheimzahl".split(
    "|",
  ),
  ..."cvv|cvv2|cvc|cvc2|csc|card verification|security code|card number|card no|cardnumber|cc number|ccnumber|credit card|creditcard".split("|"),
  ..."debit card|debitcard|kartennummer|card expiry|card expiration|social security|ssn".split("|"),
  ..."one time code|one time password|onetime code|otp|totp|hotp|mfa code|2fa|two factor|verification code|authentication code".split("|"),
  ..."authenticator code|auth code|sms code|login code|sign in code|backup code|backup codes|recovery code|recovery codes".split("|"),
];

/** Secrets that are never numbers: a whole number called `max_tokens` asks for none. */
const textSecretWords: readonly string[] = [
  ..."token|tokens|access token|refresh token|bearer|jwt|session id|session cookie|api key|apikey|access key|accesskey|secret|secrets".split("|"),
  ..."client secret|private key|privatekey|ssh key|signing key|credential|credentials|recovery phrase|seed phrase|seed words|mnemonic".split("|"),
];

/** Names of secrets in writings without blanks between words: found anywhere. */
const secretScripts = /密码|密碼|口令|验证码|驗證碼|パスワード|暗証番号|비밀번호|인증번호|пароль|парол[яеь]|пин-?код|كلمة المرور|סיסמה|รหัสผ่าน|κωδικ/u;

const secretFormats: ReadonlySet<string> = new Set([
  "password",
  "secret",
  "token",
  "credit-card",
  "creditcard",
  "otp",
  "one-time-code",
  "current-password",
  "new-password",
]);

/** What goes before the name of a secret in a text that asks for it, and not in one that only speaks of it. */
const askingWords: ReadonlySet<string> = new Set("enter type provide give tell confirm input submit paste supply insert repeat eingeben".split(" "));
const askingWordsBefore = 5;

/**
 * Says whether one field of a form asks for a secret (MCP elicitation, form mode: "servers MUST NOT request sensitive information"; M17): a text or number whose
 * name, title or description names one, or whose format is that of one. Choices and yes/no questions cannot carry a secret.
 */
export function asksForSecret(name: string, schema: unknown): boolean {
  if (!isJsonObject(schema) || !takesFreeInput(schema)) return false;
  const format = member(schema, "format");
  if (member(schema, "writeOnly") === true || (typeof format === "string" && secretFormats.has(format.toLowerCase()))) return true;
  const words = member(schema, "type") === "string" ? [...secretWords, ...textSecretWords] : secretWords;
  if (name.toLowerCase() === "pan") return true;
  return [name, member(schema, "title"), member(schema, "description")].some((text) => typeof text === "string" && namesOneOf(words, text));
}

/** Says whether the question itself asks for a secret, whatever its fields are called. Only for a form that has a field to type one into. */
export function messageAsksForSecret(message: string): boolean {
  const text = ` ${wordsOf(message)} `;
  return secretScripts.test(message.toLowerCase()) || secretWords.some((secret) => isAskedFor(text, ` ${secret} `));
}

/** A property that a person types into, rather than chooses from. */
function takesFreeInput(schema: unknown): boolean {
  if (!isJsonObject(schema)) return false;
  const type = member(schema, "type");
  const chosen = Array.isArray(member(schema, "enum")) || Array.isArray(member(schema, "oneOf")) || Object.hasOwn(schema, "const");
  return (type === "string" || type === "number" || type === "integer") && !chosen;
}

function namesOneOf(secrets: readonly string[], text: string): boolean {
  const words = ` ${wordsOf(text)} `;
  return secretScripts.test(text.toLowerCase()) || secrets.some((secret) => words.includes(` ${secret} `));
}

/** Looks at the few words before each place where the secret is named. */
function isAskedFor(text: string, secret: string): boolean {
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    const before = text.slice(0, at).trim().split(" ").slice(-askingWordsBefore);
    if (before.some((word) => askingWords.has(word))) return true;
  }
  return false;
}

/** Lower-case words: `cardNumber`, `card_number` and `Card-Number` are all `card number`; accents and look-alike digits and letters are folded. */
function wordsOf(text: string): string {
  return text
    .slice(0, 4000)
    .normalize("NFKD")
    .replaceAll(/[\u0300-\u036f\u200b-\u200f\u2060-\u2064\ufeff\u00ad]/g, "")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[аеорсухіѕ]/g, (letter) => latinTwins[letter] ?? letter)
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

const latinTwins: Readonly<Record<string, string>> = { а: "a", е: "e", о: "o", р: "p", с: "c", у: "y", х: "x", і: "i", ѕ: "s" };
