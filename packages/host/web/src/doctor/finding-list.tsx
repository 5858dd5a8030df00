import type { Finding } from "@countersign/protocol/server-verdict";
import type { JSX } from "preact";
import type { Report } from "./report.ts";
import { hostWord } from "./words.ts";

/** What to mend: what frees most hosts first, then what is to be mended whatever the host. */
export function FindingList({ report }: { readonly report: Report }): JSX.Element {
  const { findings, notes } = report;
  if (findings.length + notes.length === 0) {
    return (
      <p class="notice notice-good" data-testid="doctor-findings">
        Nothing to mend.
      </p>
    );
  }
  return (
    <div class="stack" data-testid="doctor-findings">
      {findings.length > 0 && (
        <section class="stack snug">
          <h2>What to mend first</h2>
          <ol class="doctor-findings stack snug">
            {findings.map((finding) => (
              <li key={finding.finding}>
                <div class="stack tight">
                  <p>{finding.reason}</p>
                  {finding.fix !== undefined && <Fix fix={finding.fix} />}
                  <p class="small quiet">{whomOf(finding)}</p>
                </div>
              </li>
            ))}
          </ol>
        </section>
      )}
      {notes.length > 0 && (
        <section class="stack snug">
          <h2>Whatever the host</h2>
          <ul class="doctor-findings stack snug">
            {notes.map((note) => (
              <li key={note.finding}>
                <div class="stack tight">
                  <p>{note.reason}</p>
                  <Fix fix={note.fix} />
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Fix({ fix }: { readonly fix: string }): JSX.Element {
  return (
    <p>
      <span class="strong">Fix: </span>
      {fix}
    </p>
  );
}

function whomOf({ fix, frees, unsure, hosts }: Finding): string {
  const helped = hosts.filter((host) => !frees.includes(host) && !unsure.includes(host));
  const parts = [
    ["Frees", frees],
    [fix === undefined ? "Concerns" : "Helps", helped],
    [fix === undefined ? "Concerns" : "May help", unsure],
  ] as const;
  return parts
    .filter(([, named]) => named.length > 0)
    .map(([word, named]) => `${word} ${named.map(hostWord).join(", ")}.`)
    .join(" ");
}
