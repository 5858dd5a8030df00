import type { Standing } from "@countersign/protocol/server-verdict";
import type { JSX, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../views/icon.tsx";
import type { Examine, StepTold } from "./examine.ts";
import { FindingList } from "./finding-list.tsx";
import { MatrixTable } from "./matrix-table.tsx";
import type { Report } from "./report.ts";
import { hostWord, stepWord } from "./words.ts";

export interface DoctorPageProps {
  readonly examine: Examine;
  /** What the address field begins with; nothing is asked before the button is pressed. */
  readonly address: string;
  /** Told the address that is asked, for the page's own address. */
  readonly onAsked: (address: string) => void;
}

type State =
  | { readonly phase: "idle" }
  | { readonly phase: "asking"; readonly stop: AbortController; readonly step: StepTold | undefined }
  | { readonly phase: "stopped" }
  | { readonly phase: "told"; readonly report: Report }
  | { readonly phase: "problem"; readonly message: string };

/** The doctor: an address, and how the server there fares in each host. */
export function DoctorPage({ examine, address, onAsked }: DoctorPageProps): JSX.Element {
  const [state, setState] = useState<State>({ phase: "idle" });
  const button = useRef<HTMLButtonElement>(null);
  const running = useRef<AbortController>(undefined);
  // Whoever leaves the page ends the examination, also where the browser keeps the page for the way back.
  useEffect(() => {
    const leave = (): void => running.current?.abort();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  const ask = async (url: string, call: boolean): Promise<void> => {
    const stop = new AbortController();
    running.current = stop;
    setState({ phase: "asking", stop, step: undefined });
    onAsked(url);
    const onStep = (step: StepTold): void => setState((now) => (now.phase === "asking" && now.stop === stop ? { ...now, step } : now));
    const answer = await examine({ url, call }, { signal: stop.signal, onStep });
    if (stop.signal.aborted) setState({ phase: "stopped" });
    else setState(answer.ok ? { phase: "told", report: answer.value } : { phase: "problem", message: answer.error.message });
  };
  const stop = (): void => {
    running.current?.abort();
    // The button that was pressed goes away; the next thing to do is to ask again.
    button.current?.focus();
  };
  return (
    <main class="doctor stack">
      <a class="brand" href="/">
        <Icon name="countersign" />
        Countersign
      </a>
      <div class="stack tight">
        <h1>How does your server fare in each host?</h1>
        <p class="quiet">
          Any MCP server is looked at from outside, without signing in: at most 70 requests, none of which changes anything. What hosts do is known
          from their documentation and from public reports: press a cell for its reason, its fix and where that is known from.
        </p>
      </div>
      <AddressForm address={address} busy={state.phase === "asking"} button={button} onAsk={ask} />
      <Outcome state={state} onStop={stop} />
    </main>
  );
}

interface AddressFormProps {
  readonly address: string;
  readonly busy: boolean;
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly onAsk: (url: string, call: boolean) => Promise<void>;
}

function AddressForm({ address, busy, button, onAsk }: AddressFormProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const call = useRef<HTMLInputElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const url = field.current?.value.trim() ?? "";
    if (!busy && url !== "") void onAsk(url, call.current?.checked === true);
  };
  return (
    <form class="stack snug" onSubmit={submit} data-testid="doctor-form">
      <div class="field">
        <label class="label" for="address">
          Address of the server
        </label>
        <div class="doctor-ask">
          <input
            ref={field}
            id="address"
            class="input"
            type="url"
            inputMode="url"
            autocomplete="url"
            spellcheck={false}
            required
            maxLength={2048}
            placeholder="https://example.com/mcp"
            defaultValue={address}
            data-testid="doctor-address"
          />
          <button ref={button} type="submit" class="button button-primary" aria-disabled={busy} data-testid="doctor-ask">
            Examine
          </button>
        </div>
      </div>
      <label class="check">
        <input ref={call} type="checkbox" defaultChecked />
        <span>Call one tool that demands sign-in and says that it only reads, without a token, to see how it asks for sign-in</span>
      </label>
    </form>
  );
}

function Outcome({ state, onStop }: { readonly state: State; readonly onStop: () => void }): JSX.Element {
  return (
    <div class="stack">
      {state.phase === "asking" && <Progress step={state.step} onStop={onStop} />}
      {state.phase === "stopped" && (
        <p class="quiet" role="status" data-testid="doctor-stopped">
          Stopped. Nothing more is asked of the server.
        </p>
      )}
      {state.phase === "problem" && (
        <p class="notice notice-bad" role="alert" data-testid="doctor-problem">
          <Icon name="alert" />
          <span>{state.message}</span>
        </p>
      )}
      {state.phase === "told" && <ReportView report={state.report} />}
    </div>
  );
}

/** Which step of how many. Some may be left out, so the bar may jump, but never back. */
function Progress({ step, onStop }: { readonly step: StepTold | undefined; readonly onStop: () => void }): JSX.Element {
  const words = step === undefined ? "Begins." : `Step ${step.number} of ${step.of}: ${stepWord(step.step)}.`;
  return (
    <div class="stack snug" data-testid="doctor-busy" data-step={step?.step}>
      <div class="row">
        <span class="spinner" aria-hidden="true" />
        <span class="grow" role="status">
          {words}
        </span>
        <button type="button" class="button" data-testid="doctor-stop" onClick={onStop}>
          Cancel
        </button>
      </div>
      <progress class="doctor-progress" aria-label="Progress" max={step?.of ?? 1} value={step === undefined ? 0 : step.number - 1} />
      <p class="quiet small">This takes some seconds, a minute at most.</p>
    </div>
  );
}

function ReportView({ report }: { readonly report: Report }): JSX.Element {
  if (report.unreached) {
    return (
      <p class="notice notice-warn" data-testid="doctor-unreached">
        <Icon name="alert" />
        <span>{report.findings[0]?.reason ?? "Nothing answers at the address."}</span>
      </p>
    );
  }
  return (
    <>
      <p role="status" data-testid="doctor-summary">
        {summaryOf(report)}
      </p>
      <MatrixTable report={report} />
      <FindingList report={report} />
    </>
  );
}

/** One sentence, so that nobody has the whole table read out to them. */
function summaryOf({ hosts }: Report): string {
  const namesWith = (standing: Standing): readonly string[] =>
    hosts.filter(({ verdicts }) => Object.values(verdicts).some((verdict) => verdict.standing === standing)).map(({ host }) => hostWord(host));
  const dead = namesWith("dead");
  if (dead.length > 0) return `Something is dead in ${dead.join(", ")}.`;
  const unknown = namesWith("unknown");
  const rest = unknown.length === 0 ? "" : ` Not all is known of ${unknown.join(", ")}.`;
  return `Nothing is dead in any host: everything that is known works or falls back.${rest}`;
}
