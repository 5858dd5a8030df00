import type { Certainty } from "@countersign/protocol/host-profile";
import { matters, type Finding, type Matter, type Note, type Standing, type Verdict } from "@countersign/protocol/server-verdict";
import { isJsonObject } from "@countersign/protocol/shape";
import { readList, readText, readTexts } from "../json.ts";

/** What the host tells of a server. */
export interface Report {
  readonly url: string;
  readonly hosts: readonly Column[];
  readonly notes: readonly Note[];
  readonly findings: readonly Finding[];
  /** Nothing answered at the address. */
  readonly unreached: boolean;
}

export interface Column {
  readonly host: string;
  readonly verdicts: Readonly<Record<Matter, Verdict>>;
}

const standings: readonly Standing[] = ["works", "falls_back", "dead", "moot", "unknown"];
const certainties: readonly Certainty[] = ["doc", "code", "issue", "inferred", "assumed", "own"];

/** Reads the answer of `POST /api/doctor`. */
export function readReport(json: unknown): Report | undefined {
  if (!isJsonObject(json)) return undefined;
  const url = readText(json["url"]);
  if (url === undefined || !Array.isArray(json["hosts"])) return undefined;
  return {
    url,
    hosts: readList(json["hosts"], readColumn, 50),
    notes: readList(json["notes"], readNote, 50),
    findings: readList(json["findings"], readFinding, 100),
    unreached: json["exit"] === 3,
  };
}

function readColumn(json: unknown): Column | undefined {
  if (!isJsonObject(json) || !isJsonObject(json["verdicts"])) return undefined;
  const host = readText(json["host"], 100);
  const raw = json["verdicts"];
  const [connect, list, sign_in, model_call, view_call, view, step_up] = matters.map((matter) => readVerdict(raw[matter]));
  if (host === undefined || !connect || !list || !sign_in || !model_call || !view_call || !view || !step_up) return undefined;
  return { host, verdicts: { connect, list, sign_in, model_call, view_call, view, step_up } };
}

function readVerdict(json: unknown): Verdict | undefined {
  if (!isJsonObject(json)) return undefined;
  const standing = standings.find((each) => each === json["standing"]);
  const finding = readText(json["finding"], 100);
  const reason = readText(json["reason"]);
  if (standing === undefined || finding === undefined || reason === undefined) return undefined;
  const fix = readText(json["fix"]);
  const basis = readBasis(json["basis"]);
  return { standing, finding, reason, ...(fix === undefined ? {} : { fix }), ...(basis === undefined ? {} : { basis }) };
}

function readBasis(json: unknown): Verdict["basis"] {
  if (!isJsonObject(json)) return undefined;
  const certainty = certainties.find((each) => each === json["certainty"]);
  const source = readText(json["source"]);
  return certainty === undefined || source === undefined ? undefined : { certainty, source };
}

function readNote(json: unknown): Note | undefined {
  if (!isJsonObject(json)) return undefined;
  const [finding, reason, fix] = [readText(json["finding"], 100), readText(json["reason"]), readText(json["fix"])];
  return finding === undefined || reason === undefined || fix === undefined ? undefined : { finding, reason, fix };
}

function readFinding(json: unknown): Finding | undefined {
  if (!isJsonObject(json)) return undefined;
  const [finding, reason, fix] = [readText(json["finding"], 100), readText(json["reason"]), readText(json["fix"])];
  if (finding === undefined || reason === undefined) return undefined;
  const named = readTexts(json["matters"], 20);
  return {
    finding,
    reason,
    ...(fix === undefined ? {} : { fix }),
    frees: readTexts(json["frees"], 50),
    unsure: readTexts(json["unsure"], 50),
    hosts: readTexts(json["hosts"], 50),
    matters: matters.filter((matter) => named.includes(matter)),
  };
}
