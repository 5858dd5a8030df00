import { HostDied, type Browser, type CallSeen, type World } from "../stand-in/world.ts";

const pollsMax = 40;

/** A person at the console who goes on after whatever happens: presses again what was not answered, opens a sign-in that still waits, and looks until a call is over. */
export class User {
  readonly browser: Browser;
  /** The tool that was pressed last. */
  lastTool: string | undefined;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.browser = world.browser();
  }

  /**
   * Does what `play` says, from its beginning again whenever the process behind a request dies; gives the points of death. `play` may be cut anywhere, so each of
   * its steps must be one that a person, or the page, can repeat.
   */
  async insists(play: (user: User) => Promise<void>): Promise<readonly string[]> {
    const deaths: string[] = [];
    for (;;) {
      try {
        if (this.browser.cookies.size === 0) await this.browser.open();
        await play(this);
        return deaths;
      } catch (error) {
        if (!(error instanceof HostDied) || deaths.length > 3) throw error;
        deaths.push(error.message);
        await this.#world.survive();
      }
    }
  }

  /** One press of a button: the same key gives the same call, however often the page had to send it. */
  press(key: string, tool: string, args: Record<string, unknown> = {}): Promise<CallSeen> {
    this.lastTool = tool;
    return this.browser.call(tool, args, { idempotencyKey: `press-${key}` });
  }

  /** The call once it waits for a sign-in, or is over. */
  async waits(callId: string): Promise<CallSeen> {
    let call = await this.browser.read(callId);
    for (let polls = 0; polls < pollsMax && !isOver(call) && call.flow === undefined; polls += 1) {
      if (this.#world.hasUnburied) await this.#world.survive();
      call = await this.browser.read(callId, 1);
    }
    return call;
  }

  /** Looks until the call is over, and does what it waits for. */
  async finish(callId: string, visit: (call: CallSeen) => Promise<void> = (call) => this.goesOn(call)): Promise<CallSeen> {
    let call = await this.browser.read(callId);
    for (let polls = 0; polls < pollsMax; polls += 1) {
      if (isOver(call)) return call;
      const waits = call.asking !== undefined || call.flow?.state === "ready" || call.flow?.state === "opened";
      if (waits) await visit(call);
      // A process may die while it serves nobody; then nobody sees it but the call that it drove.
      if (this.#world.hasUnburied) await this.#world.survive();
      call = await this.browser.read(callId, 1);
    }
    throw new Error(`the call is not over: ${JSON.stringify(call)}`);
  }

  /** Does what the call waits for, with a yes. */
  goesOn(call: CallSeen): Promise<void> {
    return call.asking === undefined ? this.signIn(call) : this.answers(call, { action: "accept", content: { nick: "Kim" } });
  }

  /** Answers what the server asks; an address is visited before. A page that comes too late is told so, which changes nothing. */
  async answers(call: CallSeen, answer: { readonly action: "accept" | "decline"; readonly content?: unknown }): Promise<void> {
    const [item] = call.asking?.items ?? [];
    if (item?.visitUrl !== undefined) await this.browser.fetch(item.visitUrl);
    await this.browser.answer(call, [item?.kind === "form" ? answer : { action: answer.action }]);
  }

  /** The popup, from the press on Continue to the page at its end, which may be a refusal. */
  async signIn(call: CallSeen): Promise<void> {
    const started = await this.browser.fetch(call.flow?.startUrl ?? "");
    const location = started.headers.get("location");
    if (location === null) return;
    const answered = await fetch(location, { redirect: "manual" });
    await this.browser.fetch(answered.headers.get("location") ?? "");
  }
}

export function isOver(call: CallSeen): boolean {
  return call.state === "completed" || call.state === "failed" || call.state === "refused";
}
