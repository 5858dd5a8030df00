import { isInternationalHost } from "@countersign/protocol/elicitation";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ElicitAnswer } from "@countersign/protocol/elicitation";
import type { FormProblems } from "@countersign/protocol/form";
import type { Asking, Question } from "../asking.ts";
import { contentOfDraft, draftOfForm, type FormDraft } from "../form-draft.ts";
import { formatRelative } from "../format.ts";
import type { Call } from "../wire.ts";
import { AskingForm } from "./asking-form.tsx";
import { Icon } from "./icon.tsx";
import { useArmed, useConsole, useNow, useServices } from "./services.ts";
import { useToolTitle } from "./tool-title.ts";

export interface CardProps {
  readonly call: Call;
  readonly asking: Asking;
}

interface CardState {
  readonly armed: boolean;
  readonly busy: boolean;
  readonly blocked: boolean;
  readonly problem: string | undefined;
  readonly drafts: readonly FormDraft[];
  readonly problems: readonly FormProblems[];
  readonly put: (index: number, draft: FormDraft) => void;
  readonly open: (index: number) => void;
  readonly accept: () => void;
  readonly refuse: (action: "decline" | "cancel") => void;
}

function useCard({ call, asking }: CardProps): CardState {
  const { answers } = useServices();
  const armed = useArmed();
  const [busy, setBusy] = useState(false);
  const [blocked, setBlocked] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [drafts, setDrafts] = useState<readonly FormDraft[]>(() =>
    asking.items.map((item) => (item.kind === "form" ? draftOfForm(item.fields) : {})),
  );
  const [problems, setProblems] = useState<readonly FormProblems[]>([]);
  const send = async (given: readonly ElicitAnswer[]): Promise<void> => {
    setBusy(true);
    setProblem((await answers.answer(call, given))?.message);
    setBusy(false);
  };
  return {
    armed,
    busy,
    blocked,
    problem,
    drafts,
    problems,
    put: (index, draft) => setDrafts(drafts.with(index, draft)),
    open: (index) => {
      if (armed) setBlocked(!answers.open(call, index));
    },
    accept: () => {
      if (!armed || busy) return;
      const read = asking.items.map((item, index) => (item.kind === "form" ? contentOfDraft(item.fields, drafts[index] ?? {}) : undefined));
      setProblems(read.map((one) => (one?.ok === false ? one.error : {})));
      if (read.some((one) => one?.ok === false)) return;
      void send(read.map((one) => (one?.ok === true ? { action: "accept", content: one.value } : { action: "accept" })));
    },
    refuse: (action) => {
      // Where no answer can be sent, there is only the call to end.
      if (action === "cancel" && asking.style !== "live") answers.cancel(call);
      else void send(asking.items.map(() => ({ action })));
    },
  };
}

/** One question round of a call. */
export function AskingCard({ call, asking }: CardProps): JSX.Element {
  const card = useCard({ call, asking });
  const name = useConsole((state) => state.connectors.find((connector) => connector.id === call.connectorId)?.name ?? "An app");
  const now = useNow(10_000);
  const title = useToolTitle()(call);
  const forms = asking.items.some((item) => item.kind === "form");
  const heading = `asking-${call.id}`;
  return (
    <section class="card asking" aria-labelledby={heading} data-testid="asking-card" data-call-id={call.id} data-round={asking.round}>
      <form
        class="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          card.accept();
        }}
      >
        <div class="row signin-words">
          <span class="seal seal-accent signin-seal">
            <Icon name={forms ? "list" : "external"} />
          </span>
          <div class="grow">
            <h2 class="strong" id={heading}>
              {forms ? `${name} asks you for details` : `${name} asks you to visit a page`}
            </h2>
            <p class="small quiet">
              For “{title}”. The words below are the app's, not ours.
              {asking.expiresAt !== undefined && asking.expiresAt > now && ` Ends ${formatRelative(asking.expiresAt, now)}.`}
            </p>
          </div>
        </div>
        {asking.again && (
          <p class="notice notice-warn" data-testid="asking-again">
            <Icon name="info" size="small" />
            <span>The app asks the same again: it may not be finished yet. Finish there, then try again.</span>
          </p>
        )}
        {asking.items.map((item, index) => (
          <Item key={index} item={item} index={index} card={card} />
        ))}
        {card.problem !== undefined && (
          <p class="notice notice-bad" role="alert" data-testid="asking-problem">
            <Icon name="alert" size="small" />
            <span>{card.problem}</span>
          </p>
        )}
        <Actions asking={asking} card={card} forms={forms} />
      </form>
    </section>
  );
}

function Item({ item, index, card }: { readonly item: Question; readonly index: number; readonly card: CardState }): JSX.Element {
  return (
    <div class="stack snug asking-item">
      <p class="asking-words" data-testid="asking-message">
        {item.message}
      </p>
      {item.kind === "url" ? (
        <Address item={item} index={index} card={card} />
      ) : (
        <AskingForm
          prefix={`asking-${index}`}
          fields={item.fields}
          draft={card.drafts[index] ?? {}}
          problems={card.problems[index] ?? {}}
          onChange={(draft) => card.put(index, draft)}
        />
      )}
    </div>
  );
}

/** One address: its host on the button, all of it in sight, and nothing that a browser would load by itself (M18). */
function Address({
  item,
  index,
  card,
}: {
  readonly item: Extract<Question, { kind: "url" }>;
  readonly index: number;
  readonly card: CardState;
}): JSX.Element {
  return (
    <>
      <code class="small quiet asking-address" data-testid="asking-url">
        {item.url}
      </code>
      {isInternationalHost(item.host) && (
        <p class="notice notice-warn" data-testid="asking-international">
          <Icon name="alert" size="small" />
          <span>The name of this site is written in letters that can look like others. Open it only if you know {item.host}.</span>
        </p>
      )}
      <div class="row snug wrap">
        <button
          type="button"
          class={item.opened ? "button" : "button button-primary"}
          data-testid="asking-open"
          data-item={index}
          data-opened={item.opened}
          aria-disabled={!card.armed}
          onClick={() => card.open(index)}
        >
          <Icon name="external" size="small" />
          {item.opened ? `Open ${item.host} again` : `Open ${item.host}`}
        </button>
        {card.blocked && (
          <a class="small" href={item.visitUrl} target="_blank" rel="noopener noreferrer" data-testid="asking-link">
            Your browser gave no window. Open in a tab instead
          </a>
        )}
      </div>
    </>
  );
}

function Actions({ asking, card, forms }: { readonly asking: Asking; readonly card: CardState; readonly forms: boolean }): JSX.Element {
  const ready = asking.items.every((item) => item.kind === "form" || item.opened);
  const declines = asking.style !== "retry";
  return (
    <div class="row snug wrap signin-actions">
      <button type="button" class="button" data-testid="asking-cancel" disabled={card.busy} onClick={() => card.refuse("cancel")}>
        Cancel
      </button>
      {declines && (
        <button type="button" class="button" data-testid="asking-decline" disabled={card.busy} onClick={() => card.refuse("decline")}>
          Decline
        </button>
      )}
      {(forms || ready) && (
        <button
          type="submit"
          class={forms ? "button button-primary" : "button"}
          data-testid="asking-accept"
          aria-disabled={!card.armed}
          disabled={card.busy || !ready}
        >
          {forms ? "Send" : asking.again ? "Try again" : "I'm done"}
        </button>
      )}
    </div>
  );
}
