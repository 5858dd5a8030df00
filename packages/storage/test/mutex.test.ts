import { describe, expect, it } from "vitest";
import { Mutex } from "../src/mutex.ts";

describe("the lock of a connection", () => {
  it("is given in the order of asking, to one at a time, also with thousands waiting", async () => {
    const mutex = new Mutex();
    const order: number[] = [];
    let inside = 0;
    const work = async (number: number): Promise<void> => {
      await mutex.acquire();
      inside += 1;
      expect(inside).toBe(1);
      await Promise.resolve();
      order.push(number);
      inside -= 1;
      mutex.release();
    };
    const numbers = Array.from({ length: 5000 }, (_, index) => index);
    await Promise.all(numbers.map(work));
    expect(order).toEqual(numbers);
    await work(5000);
    expect(order.at(-1)).toBe(5000);
  });
});
