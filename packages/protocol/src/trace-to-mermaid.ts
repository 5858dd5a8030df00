import { member } from "./shape.ts";
import type { DocumentCall, DocumentStep, TraceDocument } from "./trace-document.ts";

const textMax = 140;
const nameMax = 60;

/**
 * A trace as a Mermaid sequence diagram, which GitHub and most editors draw. Every text is escaped sign by sign, so that no name of a tool, server or address can
 * become part of the diagram's own language; each is cut at 140 signs.
 */
export function traceToMermaid(trace: TraceDocument): string {
  const parties = new Parties();
  const lines = trace.calls.flatMap((call) => [
    `Note over ${parties.asker(call)},${parties.host()}: ${escapeText(`${call.tool}, ${call.id}`)}`,
    ...drawCall(call, parties),
  ]);
  return ["sequenceDiagram", "autonumber", ...parties.declarations(), ...lines].map((line, index) => (index === 0 ? line : `  ${line}`)).join("\n");
}

/** A text as Mermaid reads it back unchanged: letters, digits and a few signs as they are, every other sign as its number. What is invisible becomes a blank. */
export function escapeText(text: string, signsMax: number = textMax): string {
  const signs = Array.from(text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, " "));
  const cut = signs.length > signsMax ? [...signs.slice(0, signsMax - 1), "…"] : signs;
  return cut.map((sign) => (/^[A-Za-z0-9 .,_/()'=-]$/.test(sign) ? sign : `#${sign.codePointAt(0)};`)).join("");
}

type Kind = "user" | "view" | "model" | "host" | "server" | "issuer";

/** Who takes part, in the order of first appearance. The ids are the diagram's own: nothing from outside is in them. */
class Parties {
  readonly #known = new Map<string, { readonly id: string; readonly label: string; readonly person: boolean }>();
  readonly #counts = new Map<Kind, number>();

  host(): string {
    return this.#of("host", "", "Countersign");
  }

  user(): string {
    return this.#of("user", "", "User");
  }

  asker({ origin, connector }: DocumentCall): string {
    if (origin === "widget") return this.#of("view", connector?.name ?? "", `View of ${connector?.name ?? "an app"}`);
    return origin === "model" ? this.#of("model", "", "Model") : this.user();
  }

  server({ connector }: DocumentCall): string {
    return this.#of("server", `${connector?.url ?? ""} ${connector?.name ?? ""}`, connector?.name ?? "Server");
  }

  issuer(address: string): string {
    const host = URL.canParse(address) ? new URL(address).host : address;
    return this.#of("issuer", host, `Sign-in at ${host}`);
  }

  declarations(): readonly string[] {
    return [...this.#known.values()].map(({ id, label, person }) => `${person ? "actor" : "participant"} ${id} as ${escapeText(label, nameMax)}`);
  }

  #of(kind: Kind, key: string, label: string): string {
    const whole = `${kind} ${key}`;
    const known = this.#known.get(whole);
    if (known !== undefined) return known.id;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const id = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}${count}`;
    this.#known.set(whole, { id, label: label.trim() === "" ? kind : label, person: kind === "user" });
    return id;
  }
}

interface Drawing {
  readonly call: DocumentCall;
  readonly parties: Parties;
  /** The sign-in service that was spoken of last. */
  issuer: string | undefined;
}

function drawCall(call: DocumentCall, parties: Parties): readonly string[] {
  const drawing: Drawing = { call, parties, issuer: undefined };
  const steps = call.steps.map((step) => ({ at: step.at, lines: drawStep(step, drawing) }));
  const notes = call.ladder.map(({ at, tool, rung, outcome }) => ({
    at,
    lines: [`Note over ${parties.asker({ ...call, origin: "widget" })}: ${escapeText(`The view: ${tool} by ${rung}, ${outcome}`)}`],
  }));
  const drawn = [...steps, ...notes].toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at))).flatMap(({ lines }) => lines);
  const [asker, host] = [parties.asker(call), parties.host()];
  if (call.error !== undefined) return [...drawn, `${host}--x${asker}: ${escapeText(call.error.code)}`];
  return call.state === "completed" ? [...drawn, `${host}-->>${asker}: result`] : drawn;
}

function drawStep(step: DocumentStep, drawing: Drawing): readonly string[] {
  const { call, parties } = drawing;
  const host = parties.host();
  const said = wordsOf(step);
  switch (step.step) {
    case "received":
      return [`${parties.asker(call)}->>${host}: ${said}`];
    case "request":
      return [`${host}->>${parties.server(call)}: ${said}`];
    case "challenge":
    case "result":
      return [`${parties.server(call)}-->>${host}: ${said}`];
    case "discovery":
      return drawDiscovery(step, drawing, said);
    case "authorization":
      return [drawAuthorization(step, drawing, said)];
    case "token":
      return drawing.issuer === undefined ? [`Note over ${host}: ${said}`] : [`${parties.issuer(drawing.issuer)}-->>${host}: ${said}`];
    case "decision":
    case "retry":
    case "error":
      return [`Note over ${host}: ${said}`];
  }
}

/** A document is asked for where it lies: at the server itself, or at a sign-in service. */
function drawDiscovery({ detail, title }: DocumentStep, drawing: Drawing, said: string): readonly string[] {
  const { call, parties } = drawing;
  const host = parties.host();
  const url = textOf(detail, "url");
  const issuer = textOf(detail, "issuer");
  if (issuer !== undefined) drawing.issuer = issuer;
  if (url === undefined) return [`Note over ${host}: ${said}`];
  const whom = originOf(url) === originOf(call.connector?.url ?? "") ? parties.server(call) : parties.issuer(url);
  return [`${host}->>${whom}: ${escapeText(`GET ${pathOf(url)}`)}`, `${whom}-->>${host}: ${escapeText(title)}`];
}

/** What comes back from the sign-in service names a code; what the user is sent with does not. */
function drawAuthorization({ detail }: DocumentStep, drawing: Drawing, said: string): string {
  const { parties } = drawing;
  const host = parties.host();
  const issuer = textOf(detail, "issuer") ?? textOf(detail, "endpoint");
  if (issuer !== undefined) drawing.issuer = issuer;
  if (issuer === undefined) return `Note over ${host}: ${said}`;
  if (Object.hasOwn(detail, "code")) return `${parties.issuer(issuer)}-->>${host}: ${said}`;
  return Object.hasOwn(detail, "endpoint") ? `${parties.user()}->>${parties.issuer(issuer)}: ${said}` : `${host}->>${parties.user()}: ${said}`;
}

/** The step's title with the few details that one looks for. */
function wordsOf({ title, detail }: DocumentStep): string {
  const scope = detail["scope"];
  const scopes = Array.isArray(scope) ? scope.filter((token) => typeof token === "string").join(" ") : textOf(detail, "scope");
  const shown = [
    textOf(detail, "method"),
    textOf(detail, "authorization"),
    numberOf(detail, "status"),
    textOf(detail, "error"),
    textOf(detail, "action"),
    textOf(detail, "code"),
    scopes === undefined || scopes === "" ? undefined : `scope ${scopes}`,
  ].filter((part) => part !== undefined && part !== "[masked]");
  return escapeText(shown.length === 0 ? title : `${title} (${shown.join(", ")})`);
}

function textOf(detail: unknown, name: string): string | undefined {
  const value = member(detail, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberOf(detail: unknown, name: string): string | undefined {
  const value = member(detail, name);
  return typeof value === "number" ? String(value) : undefined;
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url;
}
