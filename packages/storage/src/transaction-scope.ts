import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Knows whether the running code is inside a transaction of one database. Code that is, and asks the outer handle for a connection, would wait for
 * itself on SQLite and act outside its transaction on PostgreSQL; both become the same immediate error.
 */
export class TransactionScope {
  readonly #running = new AsyncLocalStorage<{ active: boolean }>();

  /** Runs `work` as the inside of a transaction. */
  async run<R>(work: () => Promise<R>): Promise<R> {
    const transaction = { active: true };
    try {
      return await this.#running.run(transaction, work);
    } finally {
      transaction.active = false;
    }
  }

  /** Runs `work` as outside, for the steps by which a transaction itself gets its connection. */
  outside<R>(work: () => R): R {
    return this.#running.exit(work);
  }

  assertOutside(): void {
    if (this.#running.getStore()?.active === true) {
      throw new TypeError("inside transaction() only its `tx` argument may be used, not the outer database");
    }
  }
}
