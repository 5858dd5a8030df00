import type { Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { noHits, openSink } from "../hostile/sink.ts";
import { ConsolePage } from "../pages/console-page.ts";
import { ProbeView } from "../pages/probe-view.ts";
import { look } from "../pictures/look.ts";
import { type LiveAnswer, liveTurn, type ModelServer, type ModelTurn, startModelServer } from "../stack/model-server.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";
import { startWidgetApp, type WidgetApp } from "../stack/widget-app.ts";

let app: WidgetApp;
let model: ModelServer;
let stack: TestStack;
let person: Person;

beforeAll(async () => {
  [app, model] = await Promise.all([startWidgetApp(), startModelServer()]);
  stack = await runStack({ connectors: [app.connector], model: { baseUrl: model.baseUrl, model: "scripted" } });
  person = await arrive(stack.urls.console);
  await person.console.connected("probe");
});

afterAll(async () => {
  await person?.leave();
  await stack?.stop();
  await app?.stop();
  model?.close();
});

const by = (id: string): Locator => person.console.page.getByTestId(id);
const said = (): Locator => by("model-text").last().locator(".result-text");
const send = async (words: string, ...turns: readonly ModelTurn[]): Promise<void> => {
  model.script.push(...turns);
  await by("chat-input").fill(words);
  await by("chat-send").click();
};
/** Says something and gives the answer that the test writes then. */
const ask = async (words: string): Promise<LiveAnswer> => {
  const live = liveTurn();
  await send(words, live.turn);
  return live.answer;
};
const idle = (): Promise<void> => by("chat-send").waitFor();

/** Begins to measure what moves in the page by itself; with a selector only pictures in which something like that moved count. */
const watchShifts = (moving?: string): Promise<void> =>
  person.console.page.evaluate((selector) => {
    const shifts: number[] = [];
    Reflect.set(window, "shifts", shifts);
    const isMeant = (source: unknown): boolean => {
      const node: unknown = Reflect.get(Object(source), "node");
      return selector === undefined || (node instanceof Element && node.closest(selector) !== null);
    };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const sources: unknown = Reflect.get(entry, "sources");
        if (Array.isArray(sources) && sources.some(isMeant)) shifts.push(Number(Reflect.get(entry, "value")));
      }
    }).observe({ type: "layout-shift", buffered: false });
  }, moving);
const shifted = (): Promise<number> =>
  person.console.page.evaluate(() => Reflect.get(window, "shifts").reduce((sum: number, shift: number) => sum + shift, 0));

describe("an answer while it is written", () => {
  it("appears word by word below the question, and nothing that was there moves", async () => {
    const { page } = person.console;
    await watchShifts();
    const answer = await ask("Tell me about mugs");
    await by("thinking").waitFor();
    const question = page.getByText("Tell me about mugs");
    const before = await question.boundingBox();
    answer.say("Mugs are ");
    await expect.poll(() => said().innerText()).toBe("Mugs are ");
    expect(await by("model-text").last().getAttribute("aria-busy")).toBe("true");
    for (let line = 0; line < 60; line += 1) answer.say(`made of clay, line ${line}.\n`);
    await expect.poll(() => said().innerText()).toContain("line 59.");
    expect(await question.boundingBox()).toEqual(before);
    answer.end();
    await idle();
    expect(await by("model-text").last().getAttribute("aria-busy")).toBe("false");
    expect(await shifted()).toBeLessThan(0.02);
  });

  it("can be read and stopped by everybody, before its first word and in the middle of one", async () => {
    const answer = await ask("Which mug keeps tea warm?");
    await by("thinking").waitFor();
    await look(person.console.page, "model/thinking", async () => {
      const { width } = person.console.page.viewportSize() ?? { width: 0 };
      const main = await person.console.page.getByRole("main").boundingBox();
      // Where no panel stands beside it, the conversation has the whole screen.
      expect(width > 960 || main?.width === width).toBe(true);
    });
    answer.say("The stoneware mug: its wall is twice as thick as that of the others, and it has a li");
    await expect.poll(() => said().innerText()).toMatch(/a li$/);
    await look(person.console.page, "model/writing");
    answer.say("d.");
    answer.end();
    await idle();
  });

  it("is shown whole when it is longer than a page", async () => {
    const answer = await ask("A long story");
    const piece = `${"word ".repeat(200)}\n`;
    for (let at = 0; at < 60; at += 1) answer.say(piece);
    answer.say("The end.");
    answer.end();
    await idle();
    const text = await said().innerText();
    expect(text.length).toBeGreaterThan(60_000);
    expect(text.endsWith("The end.")).toBe(true);
  });

  it("is brought back by a reload in the middle, goes on, and is heard in no other conversation", async () => {
    const answer = await ask("And cups?");
    answer.say("Cups ");
    await expect.poll(() => said().innerText()).toBe("Cups ");
    await person.console.page.reload();
    await by("chat-stop").waitFor();
    answer.say("are small ");
    await expect.poll(() => said().innerText()).toBe("Cups are small ");
    const other = new ConsolePage(await person.browser.newPage());
    await other.open(stack.urls.console);
    await other.page.getByTestId("answering-elsewhere").waitFor();
    answer.say("mugs.");
    answer.end();
    await idle();
    expect(await said().innerText()).toBe("Cups are small mugs.");
    await other.page.getByTestId("chat-send").waitFor();
    expect(await other.page.getByTestId("model-text").count()).toBe(0);
    await other.page.close();
  });

  it("that was missed while the page was away is there when it comes back", async () => {
    const { page } = person.console;
    const answer = await ask("And bowls?");
    answer.say("Bowls ");
    await expect.poll(() => said().innerText()).toBe("Bowls ");
    await page.goto("about:blank");
    answer.say("are wide.");
    answer.end();
    await person.console.open(stack.urls.console);
    await expect.poll(() => said().innerText()).toBe("Bowls are wide.");
    await idle();
  });
});

describe("Markdown", () => {
  it("M22 is shown as it is meant, and loads and runs nothing of what it names", async () => {
    const { page } = person.console;
    const sink = openSink();
    const target = await sink.open("lure");
    await watchShifts();
    const answer = await ask("Compare the mugs");
    const whole = [
      "## Two mugs",
      "Both are **dishwasher safe**. See [https://bank.example](https://evil.example/steal) or https://a.example/mugs.",
      `![A mug](${target.url})`,
      `<script>document.title = "taken"</script><img src="${target.url}" onerror="document.title = 'taken'">`,
      "| mug | height | volume | handle | made in | price |\n|---|--:|--:|---|---|--:|\n| Stoneware | 9.5 cm | 350 ml | wide | Portugal | 24.00 EUR |\n| Glass | 12 cm | 300 ml | none | Bohemia | 18.00 EUR |",
      "1. Rinse it.\n2. Dry it.\n   - [x] inside\n   - [ ] outside",
      "> It keeps tea warm.",
      '```ts\nconst mug = { material: "stoneware", volumeInMillilitres: 350, handle: "wide", price: { amountMinor: 2400, currency: "EUR" } };\n```',
    ].join("\n\n");
    // Cut in the middle of the link, of the table's head and of the code.
    const [link, head, code] = ["//evil", "|--:", "volumeIn"].map((each) => whole.indexOf(each));
    answer.say(whole.slice(0, link));
    await expect.poll(() => said().innerText()).toMatch(/safe\. See\s*$/);
    answer.say(whole.slice(link, head));
    await said().getByText("A mug").waitFor();
    expect(await said().innerText()).not.toContain("volume");
    answer.say(whole.slice(head, code));
    await said().getByTestId("code-block").waitFor();
    answer.say(whole.slice(code));
    answer.end();
    await idle();
    await said().getByText("currency").waitFor();
    expect(await shifted()).toBeLessThan(0.02);
    expect(await said().getByRole("columnheader").allInnerTexts()).toEqual(["mug", "height", "volume", "handle", "made in", "price"]);
    expect(await said().getByRole("heading", { level: 3 }).innerText()).toBe("Two mugs");
    expect(await said().getByRole("link").allInnerTexts()).toEqual(["https://bank.example (evil.example)", "https://a.example/mugs", target.url]);
    expect(await said().getByRole("link").first().getAttribute("rel")).toBe("noopener noreferrer");
    expect(await said().innerText()).toContain(`A mug (picture, not loaded: ${target.url})`);
    expect(await said().innerText()).toContain("<script>");
    expect(await said().locator("script, img, iframe, style, [style], [onerror]").count()).toBe(0);
    await look(page, "model/markdown", () => said().getByText("Two mugs").scrollIntoViewIfNeeded());
    await page.reload();
    await said().getByText("currency").waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await said().getByTestId("code-copy").click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^const mug = .*\};$/);
    expect(await page.title()).not.toBe("taken");
    expect(sink.hits(target)).toEqual(noHits);
    // The control: it is there for who goes there.
    const other = await person.browser.newPage();
    await other.goto(target.url);
    await expect.poll(() => sink.hits(target).http).toBeGreaterThanOrEqual(1);
    await other.close();
    await sink.close();
  });
});

describe("a tool call while it is written", () => {
  it("has its card and its view at once; the view sees the arguments grow, and then the input and the result", async () => {
    const answer = await ask("Open the probe");
    answer.write(0, "open_apps", '{"words":"blue mugs w');
    const view = new ProbeView(person.console.page, "open_apps");
    await view.ready();
    expect(await view.card.getAttribute("data-state")).toBe("writing");
    expect(app.calls).toEqual([]);
    await look(person.console.page, "model/call-written");
    answer.write(0, "open_apps", "ith dots and a long");
    answer.write(0, "open_apps", ' handle"}');
    answer.end();
    model.script.push({ say: "It is open." });
    await by("model-text").getByText("It is open.").waitFor();
    await expect.poll(() => view.card.getAttribute("data-state")).toBe("completed");
    const whole = { words: "blue mugs with dots and a long handle" };
    expect(app.calls).toMatchObject([{ tool: "open_apps", args: whole }]);
    const { heard } = await view.run("heard");
    const told = (Array.isArray(heard) ? heard : []).filter(({ kind }) => String(kind).startsWith("tool-"));
    expect(told[0]).toMatchObject({ kind: "tool-input-partial", value: { words: expect.stringMatching(/^blue mugs w/) } });
    expect(told.slice(-2)).toEqual([
      { kind: "tool-input", value: whole },
      { kind: "tool-result", value: { opened: true } },
    ]);
    expect(await by("widget-frame").count()).toBe(1);
  });

  it("runs beside others, each with its own state and result", async () => {
    await send(
      "Both",
      {
        calls: [
          { tool: "open_slowly", arguments: {} },
          { tool: "echo", arguments: { words: "fast" } },
        ],
      },
      { say: "Both are there." },
    );
    await expect.poll(() => person.console.callCard("echo").getAttribute("data-state")).toBe("completed");
    expect(await person.console.callCard("open_slowly").getAttribute("data-state")).toBe("dispatched");
    await look(person.console.page, "model/parallel-calls");
    app.release();
    await by("model-text").getByText("Both are there.").waitFor();
    expect(await person.console.callCard("open_slowly").getAttribute("data-state")).toBe("completed");
  });

  it("is not made when the answer breaks off, and says so", async () => {
    const before = app.calls.length;
    const answer = await ask("Echo");
    answer.write(0, "echo", '{"words":"ha');
    await person.console.callCard("echo").locator("text=Words: ha").waitFor();
    answer.breakOff();
    await by("call-unmade").waitFor();
    await by("turn-problem").last().getByText("Try again", { exact: true }).waitFor();
    expect(app.calls.length).toBe(before);
    await look(person.console.page, "model/call-unmade");
  });
});

describe("a view above the model's words", () => {
  it("moves them only the first time that one of its kind is shown, and not when it is started anew", async () => {
    const { page } = person.console;
    const frame = by("widget-frame").last();
    const product = person.console.widget.getByTestId("product-card").first();
    // The words stand below the view's room before there is a view.
    let held = Promise.withResolvers<void>();
    let asked = 0;
    await page.route("**/frame/*", async (route) => {
      asked += 1;
      await held.promise;
      await route.continue();
    });
    const settled = async (): Promise<boolean> => {
      const height = await frame.evaluate((element) => Number.parseInt(element.style.height, 10));
      return page.evaluate((high) => (sessionStorage.getItem("countersign.view-heights") ?? "").includes(`:${high}`), height);
    };
    const moved: number[] = [];
    for (const words of ["First.", "Second."]) {
      held = Promise.withResolvers<void>();
      await by("new-conversation").click();
      await send("Show the shop", { tool: "browse_products", arguments: {} }, { say: words });
      await by("model-text").getByText(words).waitFor();
      await idle();
      await watchShifts('[data-testid="model-text"]');
      held.resolve();
      await product.waitFor();
      await expect.poll(settled, { timeout: 10_000 }).toBe(true);
      moved.push(await shifted());
    }
    held = Promise.withResolvers<void>();
    await by("widget-restart").click();
    await expect.poll(() => asked).toBe(3);
    held.resolve();
    await product.waitFor();
    moved.push(await shifted());
    await page.unroute("**/frame/*");
    expect(moved).toEqual([expect.any(Number), 0, 0]);
    expect(moved[0]).toBeGreaterThan(0);
  });
});

describe("the stop button", () => {
  it("ends the answer, by Escape too; what was said stays and the next message is answered", async () => {
    for (const stop of ["button", "Escape"]) {
      const answer = await ask(`A long story, ended by ${stop}`);
      answer.say("Once upon a time");
      await expect.poll(() => said().innerText()).toBe("Once upon a time");
      if (stop === "button") await by("chat-stop").click();
      else await person.console.page.keyboard.press("Escape");
      await answer.left;
      await idle();
      expect(await said().innerText()).toBe("Once upon a time");
      expect(await by("turn-problem").last().getAttribute("data-code")).toBe("cancelled");
    }
    await look(person.console.page, "model/stopped");
    await send("Go on", { say: "Going on." });
    await by("model-text").getByText("Going on.").waitFor();
    expect(model.requests.at(-1)?.messages.slice(-2)).toMatchObject([{ role: "assistant", content: "Once upon a time" }, { content: "Go on" }]);
  });
});

describe("an endpoint that does not answer", () => {
  const notice = (): Locator => by("turn-problem").last();

  it.each([
    ["its key", { status: 401 }, "COUNTERSIGN_MODEL_KEY"],
    ["its model or address", { status: 404 }, "COUNTERSIGN_MODEL_URL"],
    ["tools", { status: 400 }, "takes no tools"],
    ["its credit", { status: 429, code: "insufficient_quota" }, "no credit left"],
  ] as const)("says what to do about %s", async (_, turn, words) => {
    await send("Mugs?", turn);
    await notice().getByText(words).waitFor();
    await idle();
    expect(await notice().innerText()).not.toContain("Words of the endpoint");
  });

  it("is asked again by a click, not before it wants to be", async () => {
    await send("Mugs?", { status: 429, headers: { "retry-after": "600" } });
    await notice()
      .getByText(/Try again in \d+ s/)
      .waitFor();
    expect(await notice().getByRole("button").isDisabled()).toBe(true);
    await look(person.console.page, "model/busy");
    await send("Mugs, please?", { status: 500 }, { say: "Two mugs." });
    await by("say-again").click();
    await by("model-text").getByText("Two mugs.").waitFor();
    expect(model.requests.at(-1)?.messages.at(-1)).toMatchObject({ role: "user", content: "Mugs, please?" });
    expect(await person.console.page.getByText("Mugs, please?").count()).toBe(1);
  });

  it("was answering when the host was started anew: the question stays, with an offer to ask again", async () => {
    const answer = await ask("Will you be here?");
    answer.say("I will");
    await expect.poll(() => said().innerText()).toBe("I will");
    await stack.restart();
    await notice().getByText("started anew").waitFor();
    await look(person.console.page, "model/broken");
    model.script.push({ say: "Yes." });
    await by("say-again").click();
    await by("model-text").getByText("Yes.").waitFor();
  });

  it("leaves no script error behind", () => {
    expect(person.pageErrors).toEqual([]);
  });
});
