import { newId } from "../digest.ts";
import type { GrowingCall } from "./answer-builder.ts";
import type { AnswerListener } from "./ask-model.ts";
import type { ChatEvent } from "./chat-event.ts";
import { readPartialObject } from "./partial-json.ts";
import type { ToolTarget } from "./tools.ts";

interface Draft {
  readonly id: string;
  /** How much of the arguments' text was told last. */
  told: number;
}

/** One event carries at most so many UTF-16 units of words. */
const pieceMax = 16_000;
/** Arguments are told while they are written up to this length; the whole ones come with the call. */
const draftMax = 32_768;
const draftStep = 16;

/** What the user's pages are told of one message while the model writes it: its words, and the calls that it begins. */
export class Saying {
  readonly #id = newId("msg");
  readonly #drafts = new Map<number, Draft>();
  readonly #targets: ReadonlyMap<string, ToolTarget>;
  readonly #tell: (event: ChatEvent) => void;
  #text = "";

  /** `targets`: the tools whose calls are shown, by the model's name for them. */
  constructor(targets: ReadonlyMap<string, ToolTarget>, tell: (event: ChatEvent) => void) {
    this.#targets = targets;
    this.#tell = tell;
  }

  /** The words so far. */
  get text(): string {
    return this.#text;
  }

  get listener(): AnswerListener {
    return {
      said: (text) => this.#add(text),
      calls: (calls) => {
        for (const call of calls) this.#draft(call);
      },
    };
  }

  /** No more words come: tells them whole, for a page that missed some. */
  end(): void {
    if (this.#text !== "") this.#tell({ id: this.#id, text: this.#text });
  }

  /** The id under which the call at this place of the answer was shown while it was written. */
  draftAt(place: number): string | undefined {
    return this.#drafts.get(place)?.id;
  }

  #add(text: string): void {
    const start = this.#text.length;
    this.#text += text;
    for (let at = 0; at < text.length; at += pieceMax) this.#tell({ id: this.#id, text: text.slice(at, at + pieceMax), at: start + at });
  }

  /** Told when it begins, and then each time it has grown by a quarter, so that all that is told of a call is a few times its length. */
  #draft({ place, name, arguments: text }: GrowingCall): void {
    const target = this.#targets.get(name);
    const known = this.#drafts.get(place);
    const due = known === undefined || text.length >= known.told + Math.max(draftStep, known.told / 4);
    if (target === undefined || !due || text.length > draftMax) return;
    const draft = known ?? { id: newId("drf"), told: 0 };
    draft.told = text.length;
    this.#drafts.set(place, draft);
    this.#tell({ draft: { id: draft.id, ...target, arguments: readPartialObject(text) ?? {} } });
  }
}
