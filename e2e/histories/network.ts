import type { Life } from "@countersign/storage/testing/mortal-database";

/** Between whom a message travels. `watch`: the store's long polls at the wallet. */
export type Edge = "store-wallet" | "watch" | "store-bank" | "bank-wallet" | "wallet-bank";

/** `unsent`: the message is lost. `unheard`: its answer is. `late`: the sender has given up when it arrives. */
export interface NetworkFault {
  readonly edge: Edge;
  /** Which message on this edge, from 0, or each of them. */
  readonly nth: number | "every";
  readonly what: "unsent" | "unheard" | "late";
}

/** Who answers at an origin. */
export interface Listener {
  fetch(request: Request): Promise<Response>;
}

/** The network between the parties of a town. */
export class Network {
  /** Messages under way, without the long polls, which may wait for ever. */
  active = 0;
  /** Grows with each message that leaves or arrives. */
  moves = 0;
  fault: NetworkFault | null = null;
  readonly #listenerAt: (origin: string) => Listener | undefined;
  readonly #counts = new Map<Edge, number>();
  #late: Request[] = [];

  constructor(listenerAt: (origin: string) => Listener | undefined) {
    this.#listenerAt = listenerAt;
  }

  /** Counts messages from now on. */
  begin(fault: NetworkFault | null): void {
    this.fault = fault;
    this.#counts.clear();
  }

  /** What one party sends with: who is dead sends nothing and hears nothing. */
  from(lifeOf: () => Life): typeof fetch {
    const life = lifeOf();
    return async (input, init) => {
      const request = new Request(input, init);
      const edge = edgeOf(request);
      life.check();
      const fault = this.#faultOf(edge);
      const reply = edge === "watch" ? await this.#send(request, fault) : await this.#count(() => this.#send(request, fault));
      life.check();
      return reply;
    };
  }

  /** What was on its way all the time arrives. */
  async deliverLate(): Promise<void> {
    const late = this.#late;
    this.#late = [];
    for (const request of late) await this.#count(() => this.#deliver(request)).catch(() => undefined);
  }

  async #send(request: Request, fault: NetworkFault["what"] | undefined): Promise<Response> {
    // A poll that arrives when its sender has given up would wait for nobody.
    const isLost = fault === "unsent" || (fault === "late" && edgeOf(request) === "watch");
    if (isLost) throw new TypeError("fetch failed");
    if (fault === "late") {
      const { url, method, headers } = request;
      this.#late.push(new Request(url, { method, headers, body: method === "GET" ? null : await request.text() }));
      throw new TypeError("fetch failed");
    }
    const response = await this.#deliver(request);
    if (fault === "unheard") throw new TypeError("terminated");
    return response;
  }

  async #deliver(request: Request): Promise<Response> {
    const listener = this.#listenerAt(new URL(request.url).origin);
    if (listener === undefined) throw new TypeError("fetch failed");
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new DOMException("aborted", "AbortError"));
    if (request.signal.aborted) throw new DOMException("aborted", "AbortError");
    request.signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([listener.fetch(request), given]);
    } finally {
      request.signal.removeEventListener("abort", giveUp);
    }
  }

  async #count<T>(work: () => Promise<T>): Promise<T> {
    this.active += 1;
    this.moves += 1;
    try {
      return await work();
    } finally {
      this.active -= 1;
      this.moves += 1;
    }
  }

  #faultOf(edge: Edge | undefined): NetworkFault["what"] | undefined {
    if (edge === undefined) return undefined;
    const nth = this.#counts.get(edge) ?? 0;
    this.#counts.set(edge, nth + 1);
    const { fault } = this;
    return fault?.edge === edge && (fault.nth === "every" || fault.nth === nth) ? fault.what : undefined;
  }
}

/** Undefined for keys, metadata and tokens: whoever has none asks again. */
function edgeOf(request: Request): Edge | undefined {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname.startsWith("/payment-requests")) return Number(searchParams.get("wait") ?? "0") > 0 ? "watch" : "store-wallet";
  if (pathname.startsWith("/mandates/")) return "bank-wallet";
  if (pathname.startsWith("/payments")) return "store-bank";
  return pathname.startsWith("/accounts/") ? "wallet-bank" : undefined;
}
