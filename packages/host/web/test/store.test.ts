import { describe, expect, it } from "vitest";
import { createStore } from "../src/store.ts";

describe("createStore", () => {
  it("goes on telling its listeners after one of them has failed", () => {
    const store = createStore();
    const heard: string[] = [];
    const forget = store.subscribe(() => {
      throw new Error("storage is full");
    });
    store.subscribe(() => heard.push(store.get().link));
    expect(() => store.dispatch({ type: "link", link: "live" })).toThrow("storage is full");
    forget();
    store.dispatch({ type: "link", link: "lost" });
    expect(heard).toEqual(["lost"]);
  });
});
