import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type IconName, icon, iconShapes } from "../src/icons.ts";
import { contrast, readColour } from "./contrast.ts";

const css = readFileSync(new URL("../src/look.css", import.meta.url), "utf8");
const themes = ["light", "dark"] as const;

const textOn: readonly (readonly [string, readonly string[]])[] = [
  ["text", ["bg", "surface", "sunken", "hover", "pressed", "accent-soft", "good-soft", "warn-soft", "bad-soft"]],
  ["text-2", ["bg", "surface", "sunken", "hover"]],
  ["accent-text", ["bg", "surface", "sunken", "accent-soft", "hover"]],
  ["good", ["bg", "surface", "good-soft"]],
  ["warn", ["bg", "surface", "warn-soft"]],
  ["bad", ["bg", "surface", "sunken", "bad-soft", "hover"]],
  ["on-accent", ["accent", "accent-hover", "bad-fill"]],
];

describe("look.css", () => {
  for (const theme of themes) {
    for (const [text, surfaces] of textOn) {
      it.each(surfaces)(`${text} reaches WCAG AA 4.5:1 on %s in ${theme}`, (surface) => {
        expect(contrast(readColour(css, text, theme), readColour(css, surface, theme))).toBeGreaterThanOrEqual(4.5);
      });
    }

    it.each(["line-control", "ring"])(`%s reaches 3:1 against every page surface in ${theme}`, (edge) => {
      for (const surface of ["bg", "surface", "sunken"]) {
        expect(contrast(readColour(css, edge, theme), readColour(css, surface, theme))).toBeGreaterThanOrEqual(3);
      }
    });
  }

  it("has three text sizes", () => {
    expect(new Set(css.match(/--text-[sml](?=:)/g))).toEqual(new Set(["--text-s", "--text-m", "--text-l"]));
    expect([...css.matchAll(/font-size: ([^;]+);/g)].map((m) => m[1]).filter((size) => !size?.includes("var(--text-"))).toEqual([]);
  });

  it("moves for less than 200 ms and not at all when reduced motion is asked", () => {
    const times = [...css.matchAll(/--motion[a-z-]*: (\d+)ms/g)].map((m) => Number(m[1]));
    expect(times.length).toBe(2);
    expect(Math.max(...times)).toBeLessThan(200);
    expect(css).toMatch(/prefers-reduced-motion: reduce[\s\S]*--motion: 0s/);
  });

  it("uses only custom properties that it defines or that a page may set", () => {
    const settable = new Set(["gap", "tile"]);
    const defined = new Set([...css.matchAll(/--([a-z0-9-]+):/g)].map((m) => m[1]));
    const used = [...css.matchAll(/var\(--([a-z0-9-]+)/g)].map((m) => m[1] ?? "");
    expect(used.filter((name) => !defined.has(name) && !settable.has(name))).toEqual([]);
  });
});

describe("icons", () => {
  it("are decorative, scale with text colour and carry no style attribute that a strict CSP would drop", () => {
    const names: readonly IconName[] = ["countersign", "passkey", "receipt", "check_circle", "close"];
    for (const name of names) {
      const markup = icon(name, "icon-small");
      expect(markup).toMatch(/^<svg class="icon icon-small" .*aria-hidden="true".*<\/svg>$/);
      expect(markup).not.toMatch(/style=|<script|on\w+=|href/);
    }
  });

  it("hold only shapes of the 24 px grid", () => {
    for (const shape of Object.values(iconShapes)) expect(shape).toMatch(/^(<(path|circle|rect)( [a-z-]+="[^"<>]*")+\/>)+$/);
  });
});
