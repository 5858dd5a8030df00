import { describe, expect, test } from "vitest";
import { passesForAnother } from "../src/claimed-name.ts";

const reserved = ["Countersign", "Wallet", "Harbour Goods", "Ada"];

describe("a name that a client gave itself", () => {
  test.each(["Claude", "Visual Studio Code", "ChatGPT", "Zed", "Ein Büroprogramm", "編集者", "Редактор", "Adapter", "All let go", "Harbour"])(
    "%s is its own",
    (name) => expect(passesForAnother(name, reserved)).toBe(false),
  );

  test.each([
    "Wallet Support",
    "wallet",
    "W a l l e t",
    "W-A-L-L-E-T",
    "Wállét",
    "Wa\u200bllet",
    "\u202etelleW Wallet",
    "Ｗａｌｌｅｔ",
    "VVa11et Wa11et",
    "Соuntersign",
    "C0untersign",
    "соunтеrsign",
    "My Harbour  Goods",
    "HARBOURGOODS",
    "Harb0ur Goods",
    "Wal\u3164let Support",
    "Wa\u1160llet",
    "ᴡᴀʟʟᴇᴛ",
    "Coᴜɴtersign",
    "VVallet",
    "🆆🅰🅻🅻🅴🆃",
    "🅦🅐🅛🅛🅔🅣",
    "🇼🇦🇱🇱🇪🇹",
    "Wałłet",
    "Cøuntersign",
  ])("O35 %j passes for another", (name) => expect(passesForAnother(name, reserved)).toBe(true));

  test("O35 mixed scripts that look alike are nobody's name", () => {
    expect(passesForAnother("Gооgle", [])).toBe(true);
    expect(passesForAnother("Google", [])).toBe(false);
  });
});
