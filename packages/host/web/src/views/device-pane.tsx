import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatCountdown } from "../format.ts";
import type { QrDrawing } from "../qr.ts";
import type { FlowDevice } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { useNow } from "./services.ts";

/** What the user needs on the other device: the picture to scan, or the address and the code to type. Everything the server named is shown as text. */
export function DevicePane({ device }: { readonly device: FlowDevice }): JSX.Element {
  const { userCode, verificationUri } = device;
  const left = useTimeLeft(device);
  return (
    <div class="device" data-testid="device-pane" data-state={left === undefined ? "expired" : "waiting"}>
      <QrCode text={device.verificationUriComplete ?? verificationUri} shown={left !== undefined} />
      <ol class="device-steps">
        <li>
          <span class="quiet small">Scan the code, or open</span>
          <span class="device-address strong" data-testid="device-address">
            {addressOf(verificationUri)}
          </span>
        </li>
        <li>
          <span class="quiet small">and enter</span>
          <span class="row snug">
            <span class="visually-hidden" data-testid="device-code-spelled">
              {Array.from(userCode).join(" ")}
            </span>
            <strong class="device-code" aria-hidden="true" data-testid="device-code">
              {userCode}
            </strong>
            <CopyCode code={userCode} />
          </span>
        </li>
        <li class="row snug small quiet">
          {left === undefined ? (
            <>
              <Icon name="clock" size="small" />
              <span data-testid="device-expired">This code has expired.</span>
            </>
          ) : (
            <>
              <span class="spinner" aria-hidden="true" />
              <span>Waiting for the other device</span>
              {/* A status that changes every second would be read out every second. */}
              <span class="nums" aria-hidden="true" data-testid="device-countdown">
                {left}
              </span>
            </>
          )}
        </li>
      </ol>
    </div>
  );
}

/** The time until the code ends, `undefined` once it is over. */
function useTimeLeft({ state, expiresAt }: FlowDevice): string | undefined {
  const now = useNow(1000);
  return state === "expired" || expiresAt <= now ? undefined : formatCountdown(expiresAt - now);
}

/** Dark modules on a light ground whatever the theme: many scanners read nothing else. The encoder is loaded when it is first needed. */
function QrCode({ text, shown }: { readonly text: string; readonly shown: boolean }): JSX.Element {
  const [drawing, setDrawing] = useState<QrDrawing | undefined>(undefined);
  useEffect(() => {
    let current = true;
    void import("../qr.ts").then(({ drawQr }) => {
      if (current) setDrawing(drawQr(text));
    });
    return () => {
      current = false;
    };
  }, [text]);
  return (
    <div class="device-qr" data-testid="device-qr">
      {drawing !== undefined && shown && (
        <svg viewBox={`0 0 ${drawing.size} ${drawing.size}`} role="img" aria-label="QR code for the address beside it" shape-rendering="crispEdges">
          <rect width="100%" height="100%" fill="#ffffff" />
          <path d={drawing.path} fill="#000000" />
        </svg>
      )}
    </div>
  );
}

function CopyCode({ code }: { readonly code: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={copied ? "Copied" : "Copy the code"}
      title="Copy the code"
      data-testid="device-copy"
      onClick={() => void copy()}
    >
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}

/** As people type it: without the scheme that browsers add by themselves. */
function addressOf(uri: string): string {
  return uri.replace(/^https:\/\//, "").replace(/\/$/, "");
}
