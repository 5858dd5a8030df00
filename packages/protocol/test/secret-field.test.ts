import { describe, expect, it } from "vitest";
import { asksForSecret, messageAsksForSecret } from "../src/secret-field.ts";

const text = { type: "string" };

describe("asksForSecret", () => {
  it.each([
    "password",
    "userPassword",
    "PASSWORD",
    "new_password",
    "pass-phrase",
    "passphrase",
    "pwd",
    "pin",
    "PIN",
    "cardPin",
    "cvv",
    "CVC2",
    "card_cvv",
    "securityCode",
    "cardNumber",
    "card_number",
    "creditCard",
    "cc-number",
    "pan",
    "otp",
    "totp",
    "oneTimeCode",
    "verification_code",
    "smsCode",
    "backup codes",
    "recoveryPhrase",
    "seed phrase",
    "mnemonic",
    "apiKey",
    "api_key",
    "APIKey",
    "accessToken",
    "token",
    "clientSecret",
    "private_key",
    "credentials",
    "ssn",
    "p\u0430ssword",
    "pass\u200bword",
    "contraseña",
    "Passwort",
    "mot de passe",
    "密码",
    "パスワード",
    "пароль",
  ])("M17 sees a secret in the name %s", (name) => {
    expect(asksForSecret(name, text)).toBe(true);
  });

  it.each([
    ["name", "author"],
    ["name", "passenger"],
    ["name", "shippingAddress"],
    ["name", "opinion"],
    ["name", "pinterest"],
    ["name", "tokenizer"],
    ["name", "keyboard"],
    ["name", "company"],
    ["name", "cardHolder"],
    ["name", "codeName"],
    ["name", "secretary"],
    ["name", "spanish"],
    ["name", "email"],
    ["name", "phone"],
  ])("sees none in the %s %s", (_, name) => {
    expect(asksForSecret(name, text)).toBe(false);
  });

  it.each([
    ["title", { ...text, title: "Your password" }],
    ["description", { ...text, description: "The three digits on the back of your card (CVV)" }],
    ["description in another script", { ...text, description: "请输入密码" }],
    ["format", { ...text, format: "password" }],
    ["format in capitals", { ...text, format: "Password" }],
    ["write-only mark", { ...text, writeOnly: true }],
    ["description of a number", { type: "integer", description: "PIN of your card" }],
  ])("M17 sees a secret in the %s", (_, schema) => {
    expect(asksForSecret("value", { type: "string", title: "Value" })).toBe(false);
    expect(asksForSecret("value", schema)).toBe(true);
  });

  it.each([
    ["a yes or no", "rememberPassword", { type: "boolean" }],
    ["a choice", "passwordPolicy", { type: "string", enum: ["strict", "lax"] }],
    ["a titled choice", "token", { type: "string", oneOf: [{ const: "a", title: "A" }] }],
    ["several choices", "secrets", { type: "array", items: { enum: ["a"] } }],
    ["a count", "max_tokens", { type: "integer" }],
  ])("takes %s for none: nothing can be typed into it", (_, name, schema) => {
    expect(asksForSecret(name, schema)).toBe(false);
  });
});

describe("messageAsksForSecret", () => {
  it.each([
    "Please enter your password below",
    "Type the verification code that we sent you",
    "Confirm your card number",
    "Bitte Passwort eingeben: give the PIN",
    "请输入验证码",
  ])("M17 sees that %s asks", (message) => {
    expect(messageAsksForSecret(message)).toBe(true);
  });

  it.each(["Your password was changed. Which nickname do you want?", "We never need your PIN.", "How many people come?", "Enter your name"])(
    "sees that %s does not",
    (message) => {
      expect(messageAsksForSecret(message)).toBe(false);
    },
  );
});
