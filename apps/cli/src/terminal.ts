/** Where a command speaks: answers go to the standard output, everything else to the standard error. */
export interface Terminal {
  /** To the standard output. */
  readonly print: (text: string) => void;
  /** To the standard error. */
  readonly tell: (text: string) => void;
  /** How wide the terminal of the standard error is; undefined where that is none. */
  readonly columns: number | undefined;
  /** Whether a person sits there who can be asked. */
  readonly attended: boolean;
  /** Asks a line of the person; undefined when they end the input instead. Only when attended. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<string | undefined>;
  /** The whole standard input, at most `bytesMax`; undefined when it is longer. */
  readonly readInput: (bytesMax: number) => Promise<string | undefined>;
}
