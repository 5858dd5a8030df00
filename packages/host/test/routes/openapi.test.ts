import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { apiDocument } from "../../src/routes/openapi.ts";
import { operations } from "../../src/routes/operations.ts";
import { eventData } from "../../src/routes/schemas/events.ts";
import { checkAnswer } from "../stand-in/document-check.ts";
import { consoleOrigin, World } from "../stand-in/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))) });

describe("the API's document", () => {
  it("is OpenAPI 3.1 and has every operation once", async () => {
    const validator = new Validator();
    const verdict = await validator.validate(JSON.parse(apiDocument));
    expect(verdict).toMatchObject({ valid: true });
    expect(validator.version).toBe("3.1");
    const { paths } = document.parse(JSON.parse(apiDocument));
    const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(ids.toSorted()).toEqual(operations.map(({ id }) => id).toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("stands in the docs as it is served, to anybody", async () => {
    expect(readFileSync(new URL("../../../../docs/api/openapi.json", import.meta.url), "utf8")).toBe(apiDocument);
    world = await World.start();
    const served = await world.host.fetch(new Request(`${consoleOrigin}/api/openapi.json`));
    expect([served.status, served.headers.get("content-type"), await served.text()]).toEqual([200, "application/json", apiDocument]);
  });

  it("resolves each of its references", () => {
    const { components } = z.looseObject({ components: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(JSON.parse(apiDocument));
    const references = [...apiDocument.matchAll(/"\$ref": "([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) {
      const [, kind = "", name = ""] = /^#\/components\/(\w+)\/(\w+)$/.exec(reference) ?? [];
      expect([reference, components[kind]?.[name]]).not.toEqual([reference, undefined]);
    }
  });

  it("is left by an answer with a member, a status or a code that it does not have", async () => {
    const request = new Request(`${consoleOrigin}/api/connectors/x`, { method: "DELETE" });
    await expect(checkAnswer(request, Response.json({ removed: true }))).resolves.toBeUndefined();
    await expect(checkAnswer(request, Response.json({ removed: true, token: "x" }))).rejects.toThrow(/token/);
    await expect(checkAnswer(request, Response.json({ removed: true }, { status: 201 }))).rejects.toThrow();
    const refusal = { error: "x", error_description: "x", retryable: false };
    await expect(checkAnswer(request, Response.json({ ...refusal, code: "unknown_connector" }, { status: 404 }))).resolves.toBeUndefined();
    await expect(checkAnswer(request, Response.json({ ...refusal, code: "unknown_call" }, { status: 404 }))).rejects.toThrow(/unknown_call/);
    const other = new Request(`${consoleOrigin}/api/undescribed`);
    await expect(checkAnswer(other, Response.json({}, { status: 200 }))).rejects.toThrow();
  });

  it("describes the events that are sent", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const events = await browser.listen();
    const call = await browser.signInBy("list_orders");
    expect(call.state).toBe("completed");
    const blocks = (await events.stop()).split("\n\n").filter((block) => block.startsWith("event: "));
    const names = new Set<string>();
    for (const block of blocks) {
      const [, name = "", data = ""] = /^event: (\w+)\ndata: (.+)$/.exec(block) ?? [];
      names.add(name);
      const schema = z.enum(["call", "flow", "connector", "trace", "chat", "progress"]).parse(name);
      expect(eventData[schema].safeParse(JSON.parse(data))).toMatchObject({ success: true });
    }
    expect([...names].toSorted()).toEqual(["call", "connector", "flow", "trace"]);
  });
});
