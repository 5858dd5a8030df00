import {
  type BridgeId,
  type BridgeMessage,
  bridgeMethods,
  idleMeter,
  isAllowedMessage,
  maxInFlight,
  meterMessage,
  parseBridgeMessage,
  settleMessage,
} from "@countersign/protocol/bridge";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { BridgeSurface } from "@countersign/protocol/profile-view";
import { boundedText, member } from "@countersign/protocol/shape";
import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from "@modelcontextprotocol/client";

/** What is used of the page's window, so that tests need no browser. */
export interface MessageSource {
  addEventListener(type: "message", listener: (event: FrameMessage) => void): void;
  removeEventListener(type: "message", listener: (event: FrameMessage) => void): void;
}

export interface FrameMessage {
  readonly data: unknown;
  readonly origin: string;
  readonly source: unknown;
}

/** A frame's window, as the target of messages. */
export interface FrameWindow {
  postMessage(message: unknown, targetOrigin: string): void;
}

export interface FrameTransportOptions {
  readonly page: MessageSource;
  /** The frame's window now; it must be the same object for as long as the transport lives. */
  readonly frame: FrameWindow;
  /** The one origin that the frame may speak from and that messages are sent to. */
  readonly origin: string;
  readonly now: () => number;
  /** What the view may send; everything that the bridge knows, unless another host is acted out. */
  readonly surface?: Pick<BridgeSurface, "requests" | "notifications">;
  /** Takes the `openai/*` messages of the shim and the `countersign/*` extensions, which the MCP Apps bridge does not know. */
  readonly onOpenAi: (message: Extract<BridgeMessage, { kind: "request" | "notification" }>) => void;
  /** The view floods or cheats: the transport has closed. */
  readonly onViolation: (refusal: Refusal) => void;
}

/** An MCP transport to one frame, and the shim's own way back. */
export interface FrameTransport extends Transport {
  readonly answer: (
    id: string | number,
    outcome: { readonly result: unknown } | { readonly error: { code: number; message: string; data?: unknown } },
  ) => void;
  readonly notify: (method: string, params: unknown) => void;
  /** Takes a request that will get no answer out of those in flight. */
  readonly release: (id: BridgeId) => void;
}

type Admission =
  | { readonly verdict: "pass" }
  | { readonly verdict: "answer"; readonly id: BridgeId; readonly refusal: Refusal; readonly retryable: boolean }
  | { readonly verdict: "close"; readonly refusal: Refusal };

interface Gate {
  readonly admit: (message: BridgeMessage) => Admission;
  readonly settle: (id: BridgeId) => void;
}

/** Counts what a view sends: a request beyond those allowed in flight is answered with a refusal, a flood of whatever kind ends the bridge (V14). */
function createGate(now: () => number): Gate {
  let meter = idleMeter;
  return {
    admit: (message) => {
      const metered = meterMessage(meter, message, now());
      if (metered.ok) {
        meter = metered.value;
        return { verdict: "pass" };
      }
      // A refused request still counts as a message, or refusals could be had without end.
      const counted = message.kind === "request" ? meterMessage(meter, { ...message, kind: "notification" }, now()) : metered;
      if (message.kind !== "request" || !counted.ok) return { verdict: "close", refusal: metered.error };
      meter = counted.value;
      return { verdict: "answer", id: message.id, refusal: metered.error, retryable: meter.inFlight.size >= maxInFlight };
    },
    settle: (id) => {
      meter = settleMessage(meter, id);
    },
  };
}

/**
 * Speaks with one widget frame. A message counts only when it comes from that very window AND that origin (V01), is one plain JSON-RPC
 * message within the limits of `protocol/bridge` (V13, V14) and uses a method that a view may use. Messages are sent to the exact origin, so
 * a frame that was navigated elsewhere gets nothing (V02).
 */
export function createFrameTransport(options: FrameTransportOptions): FrameTransport {
  const gate = createGate(options.now);
  let closed = false;
  const post = (message: unknown): void => {
    if (!closed) options.frame.postMessage(message, options.origin);
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    options.page.removeEventListener("message", receive);
    transport.onclose?.();
  };
  const read = createReader(options, gate, {
    post,
    cutOff: (refusal) => {
      close();
      options.onViolation(refusal);
    },
    deliver: (message) => transport.onmessage?.(message),
    complain: (error) => transport.onerror?.(error),
  });
  const receive = (event: FrameMessage): void => {
    if (event.source === options.frame && event.origin === options.origin) read(event.data);
  };
  const transport: FrameTransport = {
    start: () => {
      options.page.addEventListener("message", receive);
      return Promise.resolve();
    },
    send: (message: JSONRPCMessage) => {
      if ("id" in message && message.id !== undefined && !("method" in message)) gate.settle(message.id);
      post(message);
      return Promise.resolve();
    },
    close: () => {
      close();
      return Promise.resolve();
    },
    answer: (id, outcome) => {
      gate.settle(id);
      post({ jsonrpc: "2.0", id, ...outcome });
    },
    notify: (method, params) => post({ jsonrpc: "2.0", method, params }),
    release: (id) => gate.settle(id),
  };
  return transport;
}

interface ReaderWays {
  readonly post: (message: unknown) => void;
  readonly cutOff: (refusal: Refusal) => void;
  readonly deliver: (message: JSONRPCMessage) => void;
  readonly complain: (error: Error) => void;
}

/** Judges each message of the view and leads it on; a request that goes nowhere is answered. */
function createReader(options: FrameTransportOptions, gate: Gate, { post, cutOff, deliver, complain }: ReaderWays): (data: unknown) => void {
  const reject = (id: BridgeId, error: unknown): void => {
    gate.settle(id);
    post({ jsonrpc: "2.0", id, error });
  };
  /** What cannot be taken still counts as a message. */
  const drop = (data: unknown, refusal: Refusal): void => {
    const admission = gate.admit({ kind: "notification", method: "", params: {} });
    const id = idOfRequest(data);
    if (admission.verdict === "close") cutOff(admission.refusal);
    else if (id === undefined) complain(new Error(`a widget's message was dropped: ${refusal.detail ?? refusal.code}`));
    // It never was in flight, so nothing of that id is settled here.
    else post({ jsonrpc: "2.0", id, error: errorOf(refusal, false) });
  };
  const pass = (message: BridgeMessage, data: unknown): void => {
    if (message.kind === "request" || message.kind === "notification") {
      if (!isServed(options.surface ?? bridgeMethods.view, message) && !isAllowedMessage("proxy", message)) {
        if (message.kind === "request") reject(message.id, { code: -32601, message: "Method not found" });
        return;
      }
      if (message.method.startsWith("openai/") || message.method.startsWith("countersign/")) {
        options.onOpenAi(message);
        return;
      }
    }
    const known = readMcpMessage(data);
    if (known !== undefined) deliver(known);
    else if (message.kind === "request") reject(message.id, errorOf(refuse("invalid_request", "the message is not one of MCP"), false));
  };
  return (data) => {
    const parsed = parseBridgeMessage(data);
    if (!parsed.ok) {
      drop(data, parsed.error);
      return;
    }
    const admission = gate.admit(parsed.value);
    if (admission.verdict === "close") cutOff(admission.refusal);
    else if (admission.verdict === "answer") post({ jsonrpc: "2.0", id: admission.id, error: errorOf(admission.refusal, admission.retryable) });
    else pass(parsed.value, data);
  };
}

/** Whether the view's host has the method: what a host does not have is the same to a view as what nobody knows. */
function isServed({ requests, notifications }: Pick<BridgeSurface, "requests" | "notifications">, message: BridgeMessage): boolean {
  if (message.kind === "request") return requests.includes(message.method);
  return message.kind !== "notification" || notifications.includes(message.method);
}

function errorOf(refusal: Refusal, retryable: boolean): { readonly code: number; readonly message: string; readonly data: unknown } {
  const message = refusal.detail ?? refusal.code;
  return { code: -32000, message, data: { code: refusal.code, message, retryable } };
}

/** The id of what was meant as a request, read without looking at the rest. */
function idOfRequest(data: unknown): BridgeId | undefined {
  const id = member(data, "id");
  const isRequest = member(data, "jsonrpc") === "2.0" && typeof member(data, "method") === "string";
  if (!isRequest) return undefined;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : boundedText(id, 128);
}

function readMcpMessage(data: unknown): JSONRPCMessage | undefined {
  try {
    return parseJSONRPCMessage(data);
  } catch {
    return undefined;
  }
}
