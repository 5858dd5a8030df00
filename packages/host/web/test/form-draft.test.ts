import { parseForm, type FormField } from "@countersign/protocol/form";
import { describe, expect, it } from "vitest";
import { readAsking } from "../src/asking.ts";
import { contentOfDraft, draftOfForm } from "../src/form-draft.ts";

const properties = {
  name: { type: "string", default: "Sam" },
  size: { type: "integer", minimum: 1, default: 3 },
  sure: { type: "boolean", default: true },
  colour: { type: "string", enum: ["r", "g"], enumNames: ["Red", "Green"], default: "g" },
  tags: { type: "array", items: { enum: ["a", "b"] }, default: ["a"] },
  mail: { type: "string", format: "email" },
  at: { type: "string", format: "date-time" },
};

function fields(): readonly FormField[] {
  const parsed = parseForm({ type: "object", properties, required: ["name"] });
  if (!parsed.ok) throw new Error("not a form");
  // As the page reads them from the host.
  const asking = readAsking({ round: 1, style: "respond", items: [{ kind: "form", message: "", fields: JSON.parse(JSON.stringify(parsed.value)) }] });
  const item = asking?.items[0];
  if (item?.kind !== "form") throw new Error("not read");
  expect(item.fields).toEqual(parsed.value);
  return item.fields;
}

describe("a form's draft", () => {
  it("of an untouched form answers its defaults (SEP-1034)", () => {
    expect(contentOfDraft(fields(), draftOfForm(fields()))).toEqual({
      ok: true,
      value: { name: "Sam", size: 3, sure: true, colour: "g", tags: ["a"] },
    });
  });

  it("leaves out what the user emptied, and turns texts into what the field is", () => {
    const draft = { ...draftOfForm(fields()), size: "", sure: false, colour: "", tags: [], at: "2026-07-28T12:00" };
    const content = contentOfDraft(fields(), draft);
    expect(content).toMatchObject({ ok: true, value: { name: "Sam", sure: false, tags: [] } });
    expect(content.ok && content.value["at"]).toMatch(/^2026-07-2\dT\d\d:\d\d:00.000Z$/);
    expect(content.ok && Object.keys(content.value)).not.toContain("size");
  });

  it.each([
    ["an emptied required field", { name: "" }, "name"],
    ["letters for a number", { size: "many" }, "size"],
    ["no e-mail address", { mail: "nobody" }, "mail"],
  ])("refuses %s", (_, change, name) => {
    expect(contentOfDraft(fields(), { ...draftOfForm(fields()), ...change })).toMatchObject({ ok: false, error: { [name]: expect.any(String) } });
  });
});

describe("readAsking", () => {
  const url = { kind: "url", message: "Link", url: "https://bank.example/", host: "bank.example", visitUrl: "/calls/c/visit/1/0", opened: false };
  it.each([
    ["nothing", undefined],
    ["no round", { items: [url] }],
    ["no items", { round: 1, items: [] }],
    ["one item that cannot be read", { round: 1, items: [url, { kind: "voice" }] }],
    ["a way that leads elsewhere", { round: 1, items: [{ ...url, visitUrl: "https://evil.example/" }] }],
  ])("gives nothing to answer for %s", (_, json) => {
    expect(readAsking({ round: 1, items: [url] })).toBeDefined();
    expect(readAsking(json)).toBeUndefined();
  });
});
