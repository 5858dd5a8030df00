import type { WireMessage } from "@countersign/protocol/trace-step";
import type { JSX } from "preact";
import { JsonView } from "./json-view.tsx";

/** One message of the wire: its line, its headers, its body, each with what is secret masked. */
export function WireMessageView({ message }: { readonly message: WireMessage }): JSX.Element {
  const all = Object.entries(message.headers);
  const headers = all.filter(([, value]) => value !== "[masked]");
  const masked = all.filter(([, value]) => value === "[masked]").map(([name]) => name);
  return (
    <div class="wire-message stack tight" data-testid="wire-message" data-way={message.way}>
      <p class="small">
        <span class="quiet">{message.way === "sent" ? "Sent " : "Received "}</span>
        <span class="mono wire-line">{message.line}</span>
      </p>
      {all.length > 0 && (
        <ul class="mono wire-headers">
          {headers.map(([name, value]) => (
            <li key={name}>
              <span class="json-name">{name}: </span>
              {value}
            </li>
          ))}
          {masked.length > 0 && <li class="quiet">masked: {masked.join(", ")}</li>}
        </ul>
      )}
      {message.body !== undefined && <JsonView value={message.body} />}
    </div>
  );
}
