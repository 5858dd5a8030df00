/** A sequence diagram as Mermaid itself understood it, with its entities read back into signs. */
export interface ReadDiagram {
  readonly parties: readonly {
    readonly id: string;
    readonly label: string;
  }[];
  readonly messages: readonly {
    readonly from: string;
    readonly to: string;
    readonly text: string;
  }[];
}
/** Reads one sequence diagram with the real Mermaid. Rejects with its words when it is not one. */
export declare function readDiagram(text: string): Promise<ReadDiagram>;
/** Every Mermaid block of a Markdown text. */
export declare function diagramsOf(markdown: string): readonly string[];
