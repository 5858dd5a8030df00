import type { FlowView } from "@countersign/host/authorize/flow-record";
import { makeLink, readFlow, startDevice } from "@countersign/host/routes/operations";
import type { HttpErrorBody } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { endingOf } from "../exit-codes.ts";
import { oneLine } from "../terminal-text.ts";
import type { Session, Stop } from "./session.ts";
import { stop } from "./session.ts";
import { terminalQr } from "./terminal-qr.ts";

const lookAgainMs = 500;

/** Shows the user how to finish sign-ins, in a browser or on another device, and what they are for. Whether they are finished is the flow's own state. */
export class SignInGuide {
  readonly #session: Session;
  /** What was shown for a flow, until when it is good. */
  readonly #shown = new Map<string, number>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Shows what a live flow waits for, once, and again when that is good no more. */
  async show(flow: FlowView): Promise<Result<undefined, Stop>> {
    if (flow.state !== "ready" && flow.state !== "opened") return ok(undefined);
    const until = this.#shown.get(flow.id);
    if (until === undefined) {
      const what = flow.scope.length === 0 ? "" : ` for ${flow.scope.map((scope) => oneLine(scope, 100)).join(", ")}`;
      this.#session.terminal.tell(`Sign-in is needed at ${oneLine(flow.authorizationServerHost, 200)}${what}.\n`);
    }
    const again = until !== undefined && until <= Date.now();
    if (until !== undefined && !again) return ok(undefined);
    if (this.#session.way === "device") return this.#showDevice(flow);
    // A link that was opened is spent, and the page behind it stays good.
    return again && flow.state === "opened" ? ok(undefined) : this.#showLink(flow, again);
  }

  /** Shows a connector's own sign-in and waits for its end. */
  async finish(flow: FlowView): Promise<Result<undefined, Stop>> {
    const { host, signal, sleep, terminal } = this.#session;
    for (let current = flow; ; ) {
      if (signal.aborted) return err(stop("interrupted", "Stopped."));
      if (current.state === "granted") {
        terminal.tell("Signed in.\n");
        return ok(undefined);
      }
      if (current.error !== undefined) return err(stop(endingOf(current.error.code), current.error.message, { ...current.error, callId: "" }));
      const shown = await this.show(current);
      if (!shown.ok) return shown;
      await sleep(lookAgainMs);
      const read = await host.ask(readFlow, { id: flow.id });
      if (!read.ok) return err(refused(read.error));
      current = read.value;
    }
  }

  async #showLink(flow: FlowView, again: boolean): Promise<Result<undefined, Stop>> {
    const { host, terminal, account, open, way } = this.#session;
    await host.admitBrowser();
    const link = await host.ask(makeLink, { id: flow.id, body: { account } });
    if (!link.ok) return link.error.code === "flow_expired" ? ok(undefined) : err(refused(link.error));
    this.#shown.set(flow.id, link.value.expiresAt);
    const opened = !again && way === "browser" && open(link.value.url);
    const how = opened
      ? "Your browser opens. If it does not, go to"
      : again
        ? "The link was not opened in its minute. Here is another"
        : "Open on this machine";
    terminal.tell(`${how}:\n  ${link.value.url}\n`);
    return ok(undefined);
  }

  async #showDevice(flow: FlowView): Promise<Result<undefined, Stop>> {
    const { host, terminal } = this.#session;
    if (!flow.offersDevice) {
      const sentence = "This sign-in service offers no sign-in on another device. Run it again without --device.";
      return err(stop("failed", sentence));
    }
    const started = await host.ask(startDevice, { id: flow.id });
    if (!started.ok) return err(refused(started.error));
    const { device } = started.value;
    if (device === undefined) return ok(undefined);
    this.#shown.set(flow.id, device.expiresAt);
    const address = device.verificationUriComplete ?? device.verificationUri;
    if (terminal.attended) terminal.tell(`${terminalQr(address)}\n`);
    terminal.tell(`On your other device open\n  ${oneLine(device.verificationUri)}\nand type the code\n  ${oneLine(device.userCode, 100)}\n`);
    return ok(undefined);
  }
}

/** What the host refused, as the reason to stop. */
export function refused(error: HttpErrorBody): Stop {
  const detail = error.detail === undefined ? "" : ` (${oneLine(error.detail, 300)})`;
  return stop(endingOf(error.code), `${error.error_description}${detail}`, error);
}
