import { describe, expect, it } from "vitest";
import { createProcessMemory } from "../../src/payment/approval-memory.ts";
import { createTestClock } from "../stand-ins/clock.ts";

describe("the memory of one process", () => {
  it("opens what it sealed under the same name, and nothing else", () => {
    const { sealer } = createProcessMemory(() => 0);
    const sealed = sealer.seal("text – ü", "state");
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(sealer.open(sealed, "state")).toEqual({ ok: true, value: "text – ü" });
    expect(sealer.seal("text – ü", "state")).not.toBe(sealed);
    const other = createProcessMemory(() => 0).sealer;
    const bytes = Buffer.from(sealed, "base64url");
    const flipped = [...bytes.keys()].map((at) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))).toString("base64url"));
    for (const wrong of [...flipped, sealed.slice(0, -4), "", "AAAA"]) expect(sealer.open(wrong, "state").ok).toBe(false);
    expect(sealer.open(sealed, "handle").ok).toBe(false);
    expect(other.open(sealed, "state").ok).toBe(false);
  });

  it("M04 lets each id be spent once, and spends none while it has no room", async () => {
    const clock = createTestClock();
    const memory = createProcessMemory(clock.now);
    const spend = (id: string, expiresAt: number) => memory.spend(id, expiresAt);
    expect(await Promise.all([spend("a", clock.now() + 10), spend("a", clock.now() + 10)])).toEqual([true, false]);
    for (let count = 1; count < 10_000; count += 1) await spend(`b${count}`, clock.now() + 10);
    expect(await spend("c", clock.now() + 20)).toBe(false);
    clock.advance(10);
    expect(await spend("c", clock.now() + 20)).toBe(true);
  });
});
