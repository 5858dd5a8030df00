import { afterEach, describe, expect, test, vi } from "vitest";
import { type OutboxDelivery, startOutbox } from "../../src/outbox/outbox.ts";
import { createLogger } from "../../src/log.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("an outbox", () => {
  test("that cannot hear of what is added says so once, looks regularly all the same, and stops", async () => {
    vi.useFakeTimers();
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const logger = createLogger("test", { level: "silent" });
    const warn = vi.spyOn(logger, "warn");
    const looked = vi.fn(async () => []);
    const stop = startOutbox<OutboxDelivery>({
      rows: {
        readDueTargets: looked,
        readDue: async () => [],
        claim: async () => false,
        postpone: async () => undefined,
        end: async () => undefined,
        subscribe: async () => {
          throw new Error("the database is away");
        },
      },
      targetOf: () => undefined,
      sign: async () => "",
      fieldsOf: () => ({}),
      logger,
      now: () => 0,
    });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(looked).toHaveBeenCalledTimes(1);
    await stop();
    vi.useRealTimers();
    // Node tells of a rejection that nobody took only once the turn of the event loop is over.
    await new Promise(setImmediate);
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith("webhook.failed", { error: expect.objectContaining({ message: "the database is away" }) });
  });
});
