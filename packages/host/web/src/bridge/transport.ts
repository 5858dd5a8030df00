import {
  type BridgeId,
  type BridgeMessage,
  idleMeter,
  isAllowedMessage,
  maxInFlight,
  meterMessage,
  parseBridgeMessage,
  settleMessage,
} from "@countersign/protocol/bridge";
import type { Refusal } from "@countersign/protocol/errors";
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
  /** Takes the `openai/*` messages of the shim, which the MCP Apps bridge does not know. */
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
}

type Admission =
  | { readonly verdict: "pass" }
  | { readonly verdict: "answer"; readonly id: BridgeId; readonly refusal: Refusal; readonly retryable: boolean }
  | { readonly verdict: "close"; readonly refusal: Refusal };

/** Counts what a view sends: a request beyond those allowed in flight is answered with a refusal, a flood of whatever kind ends the bridge (V14). */
function createGate(now: () => number): { readonly admit: (message: BridgeMessage) => Admission; readonly settle: (id: BridgeId) => void } {
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
  const answer: FrameTransport["answer"] = (id, outcome) => {
    gate.settle(id);
    post({ jsonrpc: "2.0", id, ...outcome });
  };

  const receive = (event: FrameMessage): void => {
    if (event.source !== options.frame || event.origin !== options.origin) return;
    const parsed = parseBridgeMessage(event.data);
    if (!parsed.ok) {
      transport.onerror?.(new Error(`a widget's message was dropped: ${parsed.error.detail ?? parsed.error.code}`));
      return;
    }
    const admission = gate.admit(parsed.value);
    if (admission.verdict === "close") {
      close();
      options.onViolation(admission.refusal);
    } else if (admission.verdict === "answer") {
      const { id, refusal, retryable } = admission;
      post({ jsonrpc: "2.0", id, error: { code: -32000, message: refusal.detail ?? refusal.code, data: { ...refusal, retryable } } });
    } else pass(parsed.value, event.data);
  };

  const pass = (message: BridgeMessage, data: unknown): void => {
    if (message.kind === "request" || message.kind === "notification") {
      if (!isAllowedMessage("view", message) && !isAllowedMessage("proxy", message)) {
        if (message.kind === "request") answer(message.id, { error: { code: -32601, message: "Method not found" } });
        return;
      }
      if (message.method.startsWith("openai/")) {
        options.onOpenAi(message);
        return;
      }
    }
    transport.onmessage?.(parseJSONRPCMessage(data));
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
    answer,
    notify: (method, params) => post({ jsonrpc: "2.0", method, params }),
  };
  return transport;
}
