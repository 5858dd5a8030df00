import type { Progress } from "@countersign/protocol/progress";
import type { JSX } from "preact";

/** How far a server says that it is with a call: a bar where it named a total, and its own words where it has some. */
export function CallProgress({ progress, title }: { readonly progress: Progress; readonly title: string }): JSX.Element {
  const { progress: done, total, message } = progress;
  return (
    <div class="stack tight call-progress" data-testid="call-progress">
      {total !== undefined && <progress value={Math.max(0, Math.min(done, total))} max={total} aria-label={`Progress of ${title}`} />}
      {message !== undefined && <p class="small quiet">{message}</p>}
    </div>
  );
}
