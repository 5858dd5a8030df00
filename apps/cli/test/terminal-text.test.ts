import fc from "fast-check";
import { expect, test } from "vitest";
import { oneLine, safeJson, severalLines } from "../src/terminal-text.ts";

const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/;

test("no text of a server has a character that a terminal obeys or hides, however it is printed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(oneLine(text)).not.toMatch(obeyed);
      expect(oneLine(text)).not.toContain("\n");
      expect(severalLines(text)).not.toMatch(obeyed);
      expect(safeJson({ text })).not.toMatch(obeyed);
      expect(JSON.parse(safeJson({ text }))).toEqual({ text });
    }),
  );
});

test.each(["\u0000", "\u001b", "\u0085", "\u00ad", "\u200b", "\u202e", "\u2066", "\ufeff", "\u{e0041}"])(
  "%j does not reach a terminal",
  (character) => {
    const text = `a${character}b`;
    expect(oneLine(text)).not.toContain(character);
    expect(severalLines(text)).not.toContain(character);
    expect(safeJson({ text })).not.toContain(character);
    expect(JSON.parse(safeJson({ text }))).toEqual({ text });
  },
);

test("lines keep their order and their indentation", () => {
  expect(severalLines("a\r\n  b\n\tc\n\nd")).toBe("a\n  b\n\tc\n\nd");
});
