import { expect, test } from "vitest";
import { lodge } from "../peers/payments.ts";
import { startWorld } from "../peers/world.ts";

test("X09 one payee waits for 2,000 decisions at a time, and others wait beside it", async () => {
  const world = await startWorld();
  const { id } = await lodge(world);
  const other = await lodge(world, { payee: world.otherPayee });
  const waiting = new AbortController();
  const [token, otherToken] = [await world.payee.token(), await world.otherPayee.token()];
  const refused = Promise.withResolvers<number>();
  const waits = Array.from({ length: 2_010 }, async () => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${world.url}/payment-requests/${id}?wait=25`, { headers, signal: waiting.signal });
    if (answer.status !== 200) refused.resolve(answer.status);
  });
  const settled = Promise.allSettled(waits);
  expect(await refused.promise).toBe(429);
  const now = await fetch(`${world.url}/payment-requests/${id}`, { headers: { authorization: `Bearer ${token}` } });
  const beside = await fetch(`${world.url}/payment-requests/${other.id}?wait=1`, { headers: { authorization: `Bearer ${otherToken}` } });
  expect([now.status, beside.status]).toEqual([200, 200]);
  waiting.abort();
  await settled;
  await world.close();
});
