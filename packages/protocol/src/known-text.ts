/** The bodies of answers whose text is known. Gone with the answer. */
const texts = new WeakMap<object, string>();

/**
 * Notes the whole text of an answer beside it, so that whoever writes it to a socket need not ask a stream for what was a text to begin with: that
 * costs more than the rest of a small answer. Gives the answer back.
 */
export function withKnownText<Answer extends object>(answer: Answer, text: string): Answer {
  texts.set(answer, text);
  return answer;
}

/** The text that was noted for this very answer; undefined for any other, copies too, and once somebody has read the body. */
export function knownText(answer: { readonly bodyUsed: boolean }): string | undefined {
  return answer.bodyUsed ? undefined : texts.get(answer);
}
