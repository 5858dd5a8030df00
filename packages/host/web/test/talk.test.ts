import { err, ok } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import type { ApiProblem, HostApi } from "../src/api.ts";
import type { TurnRead } from "../src/chat.ts";
import { createOpenViews } from "../src/open-views.ts";
import { createStore, type Store } from "../src/store.ts";
import { createTalk, type Talk } from "../src/talk.ts";

interface Bench {
  readonly talk: Talk;
  readonly store: Store;
  readonly said: string[];
  refuse: ApiProblem | undefined;
  /** What the host answers when it is asked about the turn, one after the other; the last one again and again. */
  turns: (TurnRead | Promise<TurnRead>)[];
}

const silent: TurnRead = { answering: undefined, events: [] };

function bench(): Bench {
  const store = createStore();
  store.dispatch({ type: "session", session: { userId: "u", connectors: [], model: "small", profile: "countersign" } });
  const said: string[] = [];
  let ids = 0;
  const api: Pick<HostApi, "say" | "stopAnswer" | "turn" | "answerViewCall"> = {
    say: (message) => {
      said.push(message);
      return Promise.resolve(self.refuse === undefined ? ok(undefined) : err(self.refuse));
    },
    stopAnswer: () => Promise.resolve(ok(undefined)),
    turn: async () => ok((await (self.turns.length > 1 ? self.turns.shift() : self.turns[0])) ?? silent),
    answerViewCall: () => Promise.resolve(ok(undefined)),
  };
  const talk = createTalk({
    store,
    api,
    open: createOpenViews(),
    conversation: { current: () => "mine", renew: () => {} },
    now: () => 0,
    newId: () => `id_${(ids += 1)}`,
  });
  const self: Bench = { talk, store, said, refuse: undefined, turns: [silent] };
  return self;
}

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));
const mine = (event: object): object => ({ conversationId: "mine", ...event });
const began = mine({ turn: { state: "answering" } });
const ended = mine({ turn: { state: "ended" } });
const texts = (store: Store): readonly string[] => store.get().entries.map((entry) => (entry.kind === "said" ? entry.text : entry.kind));

describe("what is said to the model", () => {
  it("stands in the conversation at once and is answered until the turn ends", async () => {
    const { talk, store, said } = bench();
    const saying = talk.say("Mugs?");
    expect([texts(store), store.get().answering]).toEqual([["Mugs?"], "here"]);
    expect(await saying).toBeUndefined();
    talk.hear(began);
    talk.hear(mine({ id: "m", text: "Two", at: 0 }));
    talk.hear(mine({ id: "m", text: " mugs.", at: 3 }));
    expect(store.get().answering).toBe("here");
    talk.hear(ended);
    expect([texts(store), store.get().answering, said]).toEqual([["Mugs?", "Two mugs."], undefined, ["Mugs?"]]);
  });

  it("is taken back when the host does not take it, and the reason given", async () => {
    const one = bench();
    one.refuse = { code: "conflict", message: "Still answering.", retryable: false };
    one.turns = [{ answering: "other", events: [] }];
    expect(await one.talk.say("Mugs?")).toEqual(one.refuse);
    await turn();
    expect([texts(one.store), one.store.get().answering]).toEqual([[], "elsewhere"]);
  });

  it("is said again in the place of the notice, unless something was called", async () => {
    const { talk, store, said } = bench();
    await talk.say("Mugs?");
    talk.hear(mine({ id: "e", error: "Busy.", code: "rate_limited", retryable: true }));
    talk.hear(ended);
    await talk.sayAgain("e");
    expect([texts(store), said]).toEqual([["Mugs?"], ["Mugs?", "Mugs?"]]);
    talk.hear(mine({ call: { id: "call_1", tool: "pay", state: "completed" }, arguments: {} }));
    talk.hear(mine({ id: "f", error: "Busy.", code: "rate_limited", retryable: true }));
    talk.hear(ended);
    await talk.sayAgain("f");
    expect(said).toHaveLength(2);
  });
});

describe("what is heard of turns", () => {
  it("is of this conversation; of another one only that it is answered", () => {
    const { talk, store } = bench();
    talk.hear(mine({ id: "a", text: "Mine" }));
    talk.hear({ conversationId: "other", turn: { state: "answering" } });
    talk.hear({ conversationId: "other", id: "b", text: "Theirs" });
    talk.hear({ id: "c", text: "Nobody's" });
    expect([texts(store), store.get().answering]).toEqual([["Mine"], "elsewhere"]);
    talk.hear({ conversationId: "other", turn: { state: "ended" } });
    expect(store.get().answering).toBeUndefined();
  });

  it("is read again where a piece is missing, once at a time", async () => {
    const one = bench();
    one.turns = [{ answering: "mine", events: [{ id: "m", text: "Two mugs" }] }];
    one.talk.hear(began);
    one.talk.hear(mine({ id: "m", text: "mugs", at: 4 }));
    one.talk.hear(mine({ id: "m", text: ".", at: 8 }));
    expect(texts(one.store)).toEqual([]);
    await turn();
    expect(texts(one.store)).toEqual(["Two mugs"]);
    one.talk.hear(mine({ id: "m", text: ".", at: 8 }));
    expect(texts(one.store)).toEqual(["Two mugs."]);
  });
});

describe("a page that comes back", () => {
  it("goes on with what is being answered, and finds what was answered meanwhile", async () => {
    const one = bench();
    await one.talk.say("Mugs?");
    one.turns = [{ answering: "mine", events: [{ id: "m", text: "Two" }] }];
    await one.talk.catchUp();
    expect([texts(one.store), one.store.get().answering]).toEqual([["Mugs?", "Two"], "here"]);
    one.turns = [{ answering: undefined, events: [{ id: "m", text: "Two mugs." }] }];
    await one.talk.catchUp();
    expect([texts(one.store), one.store.get().answering]).toEqual([["Mugs?", "Two mugs."], undefined]);
  });

  it("says that a question was not answered when the host knows of none, once, and offers to say it again", async () => {
    const { talk, store, said } = bench();
    await talk.say("Mugs?");
    await talk.catchUp();
    await talk.catchUp();
    expect(store.get().entries).toMatchObject([{ text: "Mugs?" }, { by: "console", problem: { code: "interrupted", retryable: true } }]);
    const notice = store.get().entries[1];
    await talk.sayAgain(notice?.kind === "said" ? notice.id : "");
    expect([texts(store), said]).toEqual([["Mugs?"], ["Mugs?", "Mugs?"]]);
  });

  it("says so too of an answer that it knows the beginning of", async () => {
    const { talk, store } = bench();
    await talk.say("Mugs?");
    talk.hear(mine({ id: "m", text: "Two", at: 0 }));
    await talk.catchUp();
    expect(store.get().entries).toMatchObject([{ text: "Mugs?" }, { text: "Two" }, { by: "console", problem: { code: "interrupted" } }]);
  });

  it("believes an event more than a read that began before it", async () => {
    const one = bench();
    const slow = Promise.withResolvers<TurnRead>();
    one.turns = [slow.promise];
    const reading = one.talk.catchUp();
    one.talk.hear(began);
    one.talk.hear(ended);
    slow.resolve({ answering: "mine", events: [] });
    await reading;
    expect(one.store.get().answering).toBeUndefined();
  });
});
