import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { openAskings } from "../state.ts";
import { Icon } from "./icon.tsx";
import { lazyView } from "./lazy-view.tsx";
import { useConsole, useServices } from "./services.ts";

const AskingCard = lazyView(async () => (await import("./asking-card.tsx")).AskingCard);

/** Everything that servers ask, above the composer: outside every widget. What comes right after a refusal is one line until the user wants to see it. */
export function AskingCards(): JSX.Element {
  const entries = useConsole((state) => state.entries);
  const childCalls = useConsole((state) => state.childCalls);
  const calls = useConsole((state) => state.calls);
  const { store } = useServices();
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set());
  const open = openAskings({ ...store.get(), entries, childCalls, calls });
  const loud = open.filter(({ call, asking }) => !asking.quiet || shown.has(call.id));
  const quiet = open.filter((one) => !loud.includes(one));
  return (
    <div class="signin-cards">
      <p class="visually-hidden" role="status">
        {loud.length === 0 ? "" : loud.length === 1 ? "An app asks you something." : `Apps ask you ${loud.length} things.`}
      </p>
      {quiet.length > 0 && <QuietLine count={quiet.length} onShow={() => setShown(new Set([...shown, ...quiet.map(({ call }) => call.id)]))} />}
      {loud.map(({ call, asking }) => (
        <AskingCard key={`${call.id} ${asking.round}`} call={call} asking={asking} />
      ))}
    </div>
  );
}

function QuietLine({ count, onShow }: { readonly count: number; readonly onShow: () => void }): JSX.Element {
  return (
    <p class="row snug small quiet" data-testid="asking-quiet">
      <Icon name="info" size="small" />
      <span class="grow">{count === 1 ? "An app asks you something again." : `Apps ask you ${count} things again.`}</span>
      <button type="button" class="button button-small" data-testid="asking-show" onClick={onShow}>
        Show
      </button>
    </p>
  );
}
