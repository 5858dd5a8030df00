import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, member } from "@countersign/protocol/shape";
import { z } from "zod";
import { answerMax, type AssistantMessage, type ToolCall } from "./model.ts";
import type { ModelProblemKind } from "./model-problem.ts";

/** A call that the model is still writing. `place` is its place in the answer; `arguments` the JSON text so far. */
export interface GrowingCall {
  readonly place: number;
  readonly name: string;
  readonly arguments: string;
}

/** What one piece added. */
export interface Growth {
  readonly text: string;
  readonly calls: readonly GrowingCall[];
}

/** A whole answer; `cut` when the model reached its limit in the middle of its words. */
export interface Answer {
  readonly message: AssistantMessage;
  readonly cut: boolean;
}

const fragmentShape = z.object({
  index: z.int().min(0).nullish(),
  id: z.string().max(answerMax.name).nullish(),
  function: z.object({ name: z.string().max(answerMax.name).nullish(), arguments: z.string().nullish() }).nullish(),
});
type Fragment = z.infer<typeof fragmentShape>;

const partShape = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(fragmentShape).max(answerMax.calls).nullish(),
});

const pieceShape = z.object({
  choices: z.array(z.object({ index: z.int().nullish(), delta: partShape.nullish(), finish_reason: z.string().nullish() })).nullish(),
});
const wholeShape = z.object({ choices: z.array(z.object({ message: partShape, finish_reason: z.string().nullish() })).min(1) });

interface Draft {
  readonly place: number;
  id: string;
  name: string;
  arguments: string;
}

/**
 * Puts an answer together from the pieces of a stream (`chat.completion.chunk` of the OpenAI chat completions API), or takes a whole one. It is as lenient as
 * compatible endpoints need, which leave out indexes or ids or repeat names, and never gives half a call: an answer that ends too early has none.
 */
export class AnswerBuilder {
  readonly #newId: () => string;
  readonly #drafts: Draft[] = [];
  readonly #atIndex = new Map<number, Draft>();
  #text = "";
  #finish: string | undefined;

  /** `newId` names calls that the endpoint named badly. */
  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** Takes one piece, parsed from JSON, and gives what it added. Nothing may be taken after a problem. */
  takePiece(json: unknown): Result<Growth, ModelProblemKind> {
    if (isJsonObject(member(json, "error"))) return err("failed");
    const piece = pieceShape.safeParse(json);
    if (!piece.success) return err("broken_answer");
    // Without a choice it tells about usage. A second choice was not asked for.
    const choice = piece.data.choices?.find(({ index }) => (index ?? 0) === 0);
    if (choice === undefined) return ok({ text: "", calls: [] });
    return this.#take(choice.delta ?? {}, choice.finish_reason ?? undefined);
  }

  /** Takes an answer of an endpoint that does not stream. */
  takeWhole(json: unknown): Result<Growth, ModelProblemKind> {
    const choice = wholeShape.safeParse(json).data?.choices[0];
    if (choice === undefined) return err("broken_answer");
    const calls = (choice.message.tool_calls ?? []).map((call, index) => ({ ...call, index }));
    return this.#take({ ...choice.message, tool_calls: calls }, choice.finish_reason ?? "stop");
  }

  /** Ends the answer. `said` tells whether the endpoint said that this is the end (`[DONE]`); a stream that just breaks off is no answer, unless it was finished. */
  end(said: boolean): Result<Answer, ModelProblemKind> {
    const finish = this.#finish;
    if (finish === undefined && !said) return err("broken_answer");
    if (finish === "content_filter") return err("filtered");
    if (finish === "length" && this.#drafts.length > 0) return err("call_cut");
    if (this.#drafts.some(({ name }) => name === "")) return err("broken_answer");
    const calls = this.#calls();
    const content = this.#text === "" ? null : this.#text;
    return ok({ message: { role: "assistant", content, ...(calls.length === 0 ? {} : { tool_calls: calls }) }, cut: finish === "length" });
  }

  #take(part: z.infer<typeof partShape>, finish: string | undefined): Result<Growth, ModelProblemKind> {
    const text = `${part.content ?? ""}${part.refusal ?? ""}`;
    this.#text += text;
    if (this.#text.length > answerMax.text) return err("answer_too_large");
    const grown = new Set<Draft>();
    for (const fragment of part.tool_calls ?? []) {
      const draft = this.#draftOf(fragment);
      if (draft === undefined) return err("answer_too_large");
      grow(draft, fragment);
      if (draft.arguments.length > answerMax.arguments) return err("answer_too_large");
      grown.add(draft);
    }
    // Some endpoints send an empty reason while they still write.
    if (finish !== undefined && finish !== "") this.#finish = finish;
    return ok({ text, calls: [...grown].map(({ place, name, arguments: text }) => ({ place, name, arguments: text })) });
  }

  #draftOf(fragment: Fragment): Draft | undefined {
    const known = this.#knownDraft(fragment);
    if (known !== undefined && !beginsAnother(known, fragment)) return known;
    if (this.#drafts.length >= answerMax.calls) return undefined;
    const draft: Draft = { place: this.#drafts.length, id: "", name: "", arguments: "" };
    this.#drafts.push(draft);
    if (typeof fragment.index === "number") this.#atIndex.set(fragment.index, draft);
    return draft;
  }

  #knownDraft({ index, id }: Fragment): Draft | undefined {
    if (typeof index === "number") return this.#atIndex.get(index);
    return this.#drafts.findLast((draft) => (id ?? "") === "" || draft.id === id);
  }

  /** Ids are what joins answers to calls, so each is there and its own. */
  #calls(): readonly ToolCall[] {
    const taken = new Set<string>();
    return this.#drafts.map((draft) => {
      const id = draft.id === "" || taken.has(draft.id) ? this.#newId() : draft.id;
      taken.add(id);
      return { id, type: "function", function: { name: draft.name, arguments: draft.arguments } };
    });
  }
}

function grow(draft: Draft, { id, function: written }: Fragment): void {
  if (draft.id === "") draft.id = id ?? "";
  if (draft.name === "") draft.name = written?.name ?? "";
  draft.arguments += written?.arguments ?? "";
}

/** A name together with another id begins another call, also under an index that is in use; so does a second name where there are neither. */
function beginsAnother(draft: Draft, fragment: Fragment): boolean {
  if ((fragment.function?.name ?? "") === "" || draft.name === "") return false;
  const id = fragment.id ?? "";
  return id === "" ? typeof fragment.index !== "number" : draft.id !== "" && id !== draft.id;
}
