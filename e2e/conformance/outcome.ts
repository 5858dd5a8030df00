/** How one scenario of the official suite ended. */
export interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  /** Why it is known to fail. If it passes all the same, that is a finding too: the reason is out of date. */
  readonly knownFailure?: string;
}

/** True when a scenario fails that should pass, or passes that is listed as failing. */
export function isUnexpected(outcome: Outcome): boolean {
  return outcome.passed === (outcome.knownFailure !== undefined);
}
