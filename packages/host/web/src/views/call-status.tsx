import type { JSX } from "preact";
import { type Call, isCallEnded } from "../wire.ts";
import { Icon } from "./icon.tsx";

/** How a call stands, in words. */
export function CallStatus({ call }: { readonly call: Call }): JSX.Element {
  const ended = isCallEnded(call);
  if (!ended) {
    const text = call.state === "authorizing" ? "Waiting for you" : call.state === "resuming" ? "Going on" : "Working";
    return (
      <span class="row snug small quiet" data-testid="call-status">
        <span class="spinner" aria-hidden="true" />
        {text}
      </span>
    );
  }
  const cancelled = call.error?.code === "cancelled";
  const failed = !cancelled && (call.result === undefined || call.result.isError);
  return (
    <span class={`row tight small ${failed ? "bad" : "quiet"}`} data-testid="call-status">
      <Icon name={failed ? "alert" : cancelled ? "minus" : "check"} size="small" />
      {failed ? "Failed" : cancelled ? "Cancelled" : "Done"}
    </span>
  );
}
