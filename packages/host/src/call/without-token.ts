import { cutText } from "@countersign/protocol/cut-secrets";
import { refuse } from "@countersign/protocol/errors";
import type { Secret } from "@countersign/protocol/secret";
import type { CallOutcome } from "../connections/outcome.ts";
import { withoutSecret } from "../connections/without-secret.ts";
import { askingOf } from "./asking.ts";

/** A server that echoes the token it was sent, in a result or in an error, must not carry it to a view, a model or a trace that way. */
export function withoutToken(outcome: CallOutcome, bearer: Secret | undefined): CallOutcome {
  if (bearer === undefined) return outcome;
  const clean = (text: string): string => cutText(text, [bearer.reveal()]);
  switch (outcome.kind) {
    case "result":
      return { kind: "result", result: withoutSecret(outcome.result, bearer) };
    case "failed":
    case "unreadable": {
      const { code, detail } = outcome.refusal;
      return detail === undefined ? outcome : { kind: outcome.kind, refusal: { code, detail: clean(detail) } };
    }
    case "lost":
      return { ...outcome, detail: clean(outcome.detail) };
    case "challenge": {
      const { challenge } = outcome;
      const plain = withoutSecret(outcome.plain, bearer);
      if (challenge.form === "declared") return { ...outcome, plain };
      if (challenge.form !== "http" && challenge.form !== "result") {
        const asked = JSON.stringify(askingOf(challenge).questions);
        return clean(asked) === asked
          ? { ...outcome, plain }
          : { kind: "failed", refusal: refuse("invalid_challenge", "the question repeats the token") };
      }
      const followed = [...challenge.scope, challenge.resourceMetadata ?? ""].join(" ");
      if (clean(followed) !== followed) return { kind: "failed", refusal: refuse("invalid_challenge", "the challenge repeats the token") };
      if (challenge.errorDescription === undefined) return { ...outcome, plain };
      return { kind: "challenge", challenge: { ...challenge, errorDescription: clean(challenge.errorDescription) }, plain };
    }
  }
}
