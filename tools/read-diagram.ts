/** A sequence diagram as Mermaid itself understood it, with its entities read back into signs. */
export interface ReadDiagram {
  readonly parties: readonly { readonly id: string; readonly label: string }[];
  readonly messages: readonly { readonly from: string; readonly to: string; readonly text: string }[];
}

const mermaidUrl = new URL("./mermaid/node_modules/mermaid/dist/mermaid.core.mjs", import.meta.url);

/** Reads one sequence diagram with the real Mermaid. Rejects with its words when it is not one. */
export async function readDiagram(text: string): Promise<ReadDiagram> {
  const mermaid: unknown = memberOf(await import(mermaidUrl.href), "default");
  const parsed: unknown = await call(mermaid, "parse", text);
  if (memberOf(parsed, "diagramType") !== "sequence") throw new TypeError("it is no sequence diagram");
  const diagram: unknown = await call(memberOf(mermaid, "mermaidAPI"), "getDiagramFromText", text);
  const db = memberOf(diagram, "db");
  const actors: unknown = call(db, "getActors");
  const messages: unknown = call(db, "getMessages");
  if (!(actors instanceof Map) || !Array.isArray(messages)) throw new TypeError("Mermaid is not the version that this was written for");
  return {
    parties: [...actors].map(([id, actor]) => ({ id: String(id), label: decode(memberOf(actor, "description")) })),
    // The first line of autonumber is a message of Mermaid's own, without a text.
    messages: messages
      .filter((message) => typeof memberOf(message, "message") === "string")
      .map((message) => ({
        from: String(memberOf(message, "from")),
        to: String(memberOf(message, "to")),
        text: decode(memberOf(message, "message")),
      })),
  };
}

/** Every Mermaid block of a Markdown text. */
export function diagramsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => block ?? []);
}

/** Mermaid keeps `#35;` as a mark of its own until it draws. */
function decode(value: unknown): string {
  return String(value).replaceAll(/ﬂ°°(\d+)¶ß/g, (_whole, number: string) => String.fromCodePoint(Number(number)));
}

function memberOf(value: unknown, name: string): unknown {
  return (typeof value === "object" && value !== null) || typeof value === "function" ? Reflect.get(value, name) : undefined;
}

function call(target: unknown, name: string, ...args: readonly unknown[]): unknown {
  const method = memberOf(target, name);
  if (typeof method !== "function") throw new TypeError(`Mermaid has no ${name}`);
  return Reflect.apply(method, target, args);
}
