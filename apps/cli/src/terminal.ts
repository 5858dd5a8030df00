/** Where a command speaks: answers go to the standard output, everything else to the standard error. */
export interface Terminal {
  /** To the standard output. */
  readonly print: (text: string) => void;
  /** To the standard error. */
  readonly tell: (text: string) => void;
}
