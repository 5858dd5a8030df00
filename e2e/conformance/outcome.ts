/** How one scenario of the official suite ended. */
export interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
}
