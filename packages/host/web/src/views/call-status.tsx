import type { JSX } from "preact";
import { type Call, isCallEnded, type Tool } from "../wire.ts";
import { percentOf } from "@countersign/protocol/progress";
import { isMade, isWriting } from "../written-call.ts";
import { Icon } from "./icon.tsx";

/** How a call stands, in words: the server's own where it has some, for what goes well. */
export function CallStatus({ call, tool }: { readonly call: Call; readonly tool?: Tool | undefined }): JSX.Element {
  const ended = isCallEnded(call) || call.state === "unmade";
  if (!ended) {
    const text =
      call.state === "authorizing" || call.state === "asking"
        ? "Waiting for you"
        : call.state === "resuming"
          ? "Going on"
          : isWriting(call)
            ? "Preparing"
            : workingText(call, tool);
    return (
      <span class="row snug small quiet" data-testid="call-status">
        <span class="spinner" aria-hidden="true" />
        <span class="truncate">{text}</span>
      </span>
    );
  }
  const cancelled = call.error?.code === "cancelled" || call.state === "unmade";
  const failed = !cancelled && (call.result === undefined || call.result.isError);
  return (
    <span class={`row tight small ${failed ? "bad" : "quiet"}`} data-testid="call-status">
      <Icon name={failed ? "alert" : cancelled ? "minus" : "check"} size="small" />
      <span class="truncate">{failed ? "Failed" : cancelled ? (isMade(call) ? "Cancelled" : "Not called") : (tool?.invoked ?? "Done")}</span>
    </span>
  );
}

function workingText({ progress }: Call, tool: Tool | undefined): string {
  const percent = progress === undefined ? undefined : percentOf(progress);
  return `${tool?.invoking ?? "Working"}${percent === undefined ? "" : ` · ${percent} %`}`;
}
