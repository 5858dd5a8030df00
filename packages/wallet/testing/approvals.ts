import { checkout, Person, startWorld } from "../test/peers/world.ts";
import { lodge } from "../test/peers/payments.ts";

/** A wallet with a bank, a payee and a person, all in this process, who approve one payment after the other. */
export interface Approvals {
  /**
   * One payment: lodged, shown, approved. Gives the milliseconds from sending the passkey's answer until the payee, who waits by long poll, has the mandate.
   */
  approve(): Promise<number>;
  close(): Promise<void>;
}

/** Starts them on a database. The person has signed up. */
export async function startApprovals(databaseUrl: string): Promise<Approvals> {
  const world = await startWorld({ databaseUrl, rateFactor: 1_000_000 });
  const person = new Person(world);
  await person.signUp();
  let count = 0;
  return {
    async approve() {
      count += 1;
      const items = [{ name: "Mug", quantity: 1, amount: 10 }];
      const { id, request } = await lodge(world, { checkout: { ...checkout, id: `co_${count}`, amount: 10, items } });
      const page = await person.browser.open(request.url);
      const token = await world.payee.token();
      const waiting = fetch(`${world.url}/payment-requests/${id}?wait=25`, { headers: { authorization: `Bearer ${token}` } });
      // The wait begins before the yes, as it does for a payee whose user still reads.
      await fetch(`${world.url}/healthz`);
      const startedAt = performance.now();
      const [answer] = await Promise.all([waiting.then((response) => response.text()), person.tryPasskey(page, "/approve")]);
      const elapsed = performance.now() - startedAt;
      if (!answer.includes('"mandate"')) throw new Error(`the payee has no mandate: ${answer.slice(0, 300)}`);
      return elapsed;
    },
    close: () => world.close(),
  };
}
