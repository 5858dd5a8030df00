/**
 * A row that was absent when this transaction looked came into being before it wrote. The transaction is undone and runs again, and then finds the row.
 * Thrown because only a throw undoes a transaction.
 */
export class RaceLost extends Error {
  constructor(what: string) {
    super(`somebody else wrote ${what} first`);
    this.name = "RaceLost";
  }
}

/** Runs `attempt` again when it lost a race, at most `attemptsMax` times in all; then the error goes on. */
export async function againAfterRace<T>(attempt: () => Promise<T>, attemptsMax: number = 3): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RaceLost) || attempts >= attemptsMax) throw error;
    }
  }
}
