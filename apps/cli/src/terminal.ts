/** Where a command speaks: answers go to the standard output, everything else to the standard error. */
export interface Terminal {
  /** To the standard output. */
  print(text: string): void;
  /** To the standard error. */
  tell(text: string): void;
}
