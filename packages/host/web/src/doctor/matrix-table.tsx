import { certaintyNames } from "@countersign/protocol/host-profile";
import { matters, type Matter, type Standing, type Verdict } from "@countersign/protocol/server-verdict";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Column, Report } from "./report.ts";
import { hostWord, matterWords, standingWords } from "./words.ts";

const badges: Readonly<Record<Standing, string>> = {
  works: "badge-good",
  falls_back: "badge-warn",
  dead: "badge-bad",
  moot: "",
  unknown: "",
};

/**
 * Hosts down, matters across; on a phone one host after another. Each cell is a button that opens what is behind it, in a row below its own. The roles are
 * written out, because a table that is laid out otherwise is none to assistive technology.
 */
export function MatrixTable({ report }: { readonly report: Report }): JSX.Element {
  const [open, setOpen] = useState<string>();
  return (
    <table class="table doctor-matrix" role="table" data-testid="doctor-matrix">
      <caption class="quiet small">{report.url}</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">
            Host
          </th>
          {matters.map((matter) => (
            <th key={matter} scope="col" role="columnheader">
              {matterWords[matter]}
            </th>
          ))}
        </tr>
      </thead>
      {report.hosts.map((column) => (
        <HostRows key={column.host} column={column} open={open} onToggle={(id) => setOpen(open === id ? undefined : id)} />
      ))}
    </table>
  );
}

interface HostRowsProps {
  readonly column: Column;
  readonly open: string | undefined;
  readonly onToggle: (id: string) => void;
}

function HostRows({ column, open, onToggle }: HostRowsProps): JSX.Element {
  const { host, verdicts } = column;
  const shown = matters.find((matter) => idOf(host, matter) === open);
  return (
    <tbody role="rowgroup" data-testid={`doctor-host-${host}`}>
      <tr role="row">
        <th scope="row" role="rowheader">
          {hostWord(host)}
        </th>
        {matters.map((matter) => (
          <Cell key={matter} id={idOf(host, matter)} matter={matter} verdict={verdicts[matter]} open={shown === matter} onToggle={onToggle} />
        ))}
      </tr>
      {shown !== undefined && (
        <tr role="row">
          <td role="cell" colSpan={matters.length + 1} id={`${idOf(host, shown)}-detail`} class="doctor-detail-cell">
            <Detail heading={`${matterWords[shown]} at ${hostWord(host)}`} verdict={verdicts[shown]} />
          </td>
        </tr>
      )}
    </tbody>
  );
}

interface CellProps {
  readonly id: string;
  readonly matter: Matter;
  readonly verdict: Verdict;
  readonly open: boolean;
  readonly onToggle: (id: string) => void;
}

function Cell({ id, matter, verdict, open, onToggle }: CellProps): JSX.Element {
  return (
    <td role="cell">
      <span class="doctor-label small quiet" aria-hidden="true">
        {matterWords[matter]}
      </span>
      <button
        type="button"
        class={`doctor-cell badge ${badges[verdict.standing]}`}
        aria-expanded={open}
        aria-controls={open ? `${id}-detail` : undefined}
        data-matter={matter}
        data-standing={verdict.standing}
        onClick={() => onToggle(id)}
      >
        {standingWords[verdict.standing]}
      </button>
    </td>
  );
}

function Detail({ heading, verdict }: { readonly heading: string; readonly verdict: Verdict }): JSX.Element {
  const { reason, fix, basis } = verdict;
  return (
    <div class="doctor-detail stack tight" role="status" data-testid="doctor-detail">
      <p class="strong">{heading}</p>
      <p>{reason}</p>
      {fix !== undefined && (
        <p>
          <span class="strong">Fix: </span>
          {fix}
        </p>
      )}
      {basis !== undefined && (
        <p class="small quiet">
          Known from {basis.source} ({certaintyNames[basis.certainty]})
        </p>
      )}
    </div>
  );
}

function idOf(host: string, matter: Matter): string {
  return `cell-${host}-${matter}`;
}
