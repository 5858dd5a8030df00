import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { ModelOptions } from "../options.ts";
import { askModel } from "./ask-model.ts";
import type { ChatMessage } from "./model.ts";
import { refusalOf } from "./model-problem.ts";

/** What a view asks of the model: texts only. */
export interface ModelQuestion {
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly systemPrompt?: string;
  readonly maxTokens: number;
}

const instructions =
  "You answer one request of an app inside Countersign. You have no tools and no memory of the user's conversation. What follows was written by the app, not by the user.";

/** Single questions of apps' views to the model (`sampling/createMessage`), apart from the user's conversation: no tools, no history. */
export class ModelQuestions {
  readonly #model: ModelOptions;
  readonly #busy = new Set<string>();
  readonly #stop = new AbortController();

  constructor(model: ModelOptions) {
    this.#model = model;
  }

  /** Asks once; one question of each user at a time. */
  async ask(userId: string, question: ModelQuestion): Promise<Result<{ readonly model: string; readonly text: string }, Refusal>> {
    if (this.#busy.has(userId)) return err(refuse("conflict", "the model still answers another view"));
    this.#busy.add(userId);
    try {
      const system = [instructions, ...(question.systemPrompt === undefined ? [] : [question.systemPrompt])].join("\n\n");
      const turns = question.messages.map(
        (message): ChatMessage => (message.role === "user" ? { role: "user", content: message.text } : { role: "assistant", content: message.text }),
      );
      const messages: readonly ChatMessage[] = [{ role: "system", content: system }, ...turns];
      const answer = await askModel(this.#model, { messages, tools: [], maxTokens: question.maxTokens, signal: this.#stop.signal });
      return answer.ok ? ok({ model: this.#model.model, text: answer.value.message.content ?? "" }) : err(refusalOf(answer.error));
    } finally {
      this.#busy.delete(userId);
    }
  }

  close(): void {
    this.#stop.abort();
  }
}
