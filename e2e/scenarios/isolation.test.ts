import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { ask, say } from "../hostile/ask.ts";
import { type Control, openControl } from "../hostile/control.ts";
import { escapeProbes } from "../hostile/probes.ts";
import { openRecorder, type Recorder } from "../hostile/recorder.ts";
import { openView, restartView } from "../hostile/view.ts";
import { blankDocument, type HostileApp, startHostileApp } from "../stack/hostile-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("a view beside other views", () => {
  let hostile: HostileApp;
  let neighbour: HostileApp;
  let stack: TestStack;
  let person: Person;
  let control: Control;
  let recorder: Recorder;
  let release: () => void = () => {};

  beforeAll(async () => {
    recorder = await openRecorder();
    control = await openControl();
    const slow = {
      answer: () =>
        new Promise<{ content: [] }>((resolve) => {
          release = () => resolve({ content: [] });
        }),
    };
    hostile = await startHostileApp(
      "hostile",
      { blank: { html: blankDocument, meta: {} }, framing: { html: blankDocument, meta: { ui: { csp: { frameDomains: [recorder.origin] } } } } },
      { slow, plain: {} },
    );
    neighbour = await startHostileApp("neighbour", { room: { html: blankDocument, meta: {} } }, { treasure: {} });
    stack = await runStack({ connectors: [hostile.connector, neighbour.connector] });
    person = await arrive(stack.urls.console);
    await person.console.connected("hostile");
    await person.console.connected("neighbour");
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
    await hostile?.stop();
    await neighbour?.stop();
    await control?.close();
    await recorder?.close();
  });

  const childCalls = () => person.console.page.getByTestId("child-call").count();

  it("V01 drops a message that does not come from the view's own window: top, siblings, nested frames, openers", async () => {
    const view = await openView(person.console, "show_blank");
    await openView(person.console, "show_room");
    const call = (name: string, id: string) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } });
    // The right door first: the same message is carried out.
    await ask(view, "tools/call", { name: "plain", arguments: {} });
    const before = await childCalls();
    const ran = hostile.executed.length + neighbour.executed.length;
    await view.evaluate(
      ({ plain, treasure, html }) => {
        const { top } = window;
        if (top === null) return;
        const targets: Window[] = [top];
        for (let index = 0; index < top.length; index += 1) {
          const proxy = top[index];
          if (proxy === undefined || proxy === window.parent) continue;
          targets.push(proxy);
          if (proxy[0] !== undefined) targets.push(proxy[0]);
        }
        const document = { jsonrpc: "2.0", method: "ui/notifications/sandbox-resource-ready", params: { html } };
        for (const target of targets) for (const message of [plain, treasure, document]) target.postMessage(message, "*");
        const nested = window.document.createElement("iframe");
        nested.srcdoc = `<script>parent.parent.postMessage(${JSON.stringify(plain)}, "*"); top.postMessage(${JSON.stringify(treasure)}, "*")</script>`;
        window.document.body.append(nested);
      },
      { plain: call("plain", "forged-1"), treasure: call("treasure", "forged-2"), html: `<p id="foreign">foreign</p>` },
    );
    // A page of another site that opened the console, and one that is opened by a click in it, hold no handle that speaks for a view either.
    const { page: evil, frame } = await control.frame(person.browser);
    const [opened] = await Promise.all([
      evil.waitForEvent("popup"),
      frame.evaluate(
        ([address, message]) => {
          const handle = window.open(address, "_blank", "popup");
          for (let times = 0; times < 20; times += 1) setTimeout(() => handle?.postMessage(message, "*"), times * 100);
        },
        [stack.urls.console, call("plain", "forged-3")] as const,
      ),
    ]);
    await opened.getByTestId("open-tool-picker").first().waitFor();
    // The same view through the right door once more: what was forged before has had its time.
    await ask(view, "tools/call", { name: "plain", arguments: {} }, "after");
    expect(await childCalls()).toBe(before + 1);
    expect(hostile.executed.length + neighbour.executed.length).toBe(ran + 1);
    expect(neighbour.executed.map(({ tool }) => tool)).not.toContain("treasure");
    expect(await person.console.page.locator("iframe").count()).toBe(2);
    for (const each of person.console.page.frames()) expect(await each.locator("#foreign").count()).toBe(0);
    await opened.close();
    await evil.close();
  });

  it("V02 tells nothing to a page that the view's frame was led to, neither while it loads nor after", async () => {
    const view = await openView(person.console, "show_framing");
    void view
      .evaluate((address) => {
        window.parent.postMessage({ jsonrpc: "2.0", id: "slow", method: "tools/call", params: { name: "slow", arguments: {} } }, "*");
        location.href = address;
      }, `${recorder.origin}/hanging`)
      .catch(() => undefined);
    await recorder.reported((report) => report === "arrived");
    await expect.poll(() => hostile.executed.at(-1)?.tool).toBe("slow");
    release();
    await person.console.page.locator('[data-testid="child-call"][data-tool="slow"][data-state="completed"]').waitFor();
    await person.console.page.emulateMedia({ colorScheme: "dark" });
    // The page does listen: what is said to its window directly, it reports. It is the last thing said.
    await person.console.page.evaluate(() => {
      const outer = [...document.querySelectorAll("iframe")].at(-1)?.contentWindow;
      outer?.[0]?.postMessage("directly", "*");
    });
    await recorder.reported((report) => report.includes("directly"));
    expect(recorder.heard).toEqual(["arrived", 'message "directly"']);
    recorder.finish();
    await person.console.callCard("show_framing").getByTestId("widget-frame").contentFrame().getByText("left its page").waitFor();
    await person.console.page.emulateMedia({ colorScheme: null });
  });

  it("V03 an ordinary page may do what the probes try, as far as it needs no device and no consent", async () => {
    const { page, frame } = await control.frame(person.browser);
    const may: string[] = [];
    for (const [name, probe] of Object.entries(escapeProbes)) {
      if (/going back|passkey|camera|screen|clipboard/.test(name)) continue;
      const done = await frame.evaluate(probe).then(
        () => true,
        () => false,
      );
      if (done) may.push(name);
    }
    expect(may).toEqual(
      expect.arrayContaining([
        "the parent's document",
        "the console's document",
        "reading cookies",
        "local storage",
        "a database",
        "a cache",
        "locks",
      ]),
    );
    await page.close();
  });

  it.each(Object.keys(escapeProbes))("V03 refuses %s", async (name) => {
    const frame = person.console.page.frames().find((each) => each.parentFrame()?.parentFrame() === person.console.page.mainFrame());
    const view = frame ?? (await openView(person.console, "show_blank"));
    const probe = escapeProbes[name];
    const outcome = probe === undefined ? "missing" : await view.evaluate(probe).then(String, () => "thrown");
    expect(outcome).toBe("thrown");
  });

  it("V03 opens no window and no dialog, also for a name that another window has", async () => {
    const view = await restartView(person.console, "show_blank");
    const windows = person.browser.context.pages().length;
    let dialogs = 0;
    person.console.page.on("dialog", () => {
      dialogs += 1;
    });
    const opened = await view.evaluate(() => {
      alert("x");
      return ["", "_blank", "countersign", "_top", "_parent"].map((name) => (window.open("about:blank", name) === null ? null : "opened"));
    });
    expect(opened.slice(0, 3)).toEqual([null, null, null]);
    expect(person.browser.context.pages()).toHaveLength(windows);
    expect(dialogs).toBe(0);
    await keepPicture(person.console.page, "hostile-view");
  });

  it("V04 shares nothing between views: not those of one app, not those of two", async () => {
    const meet = async (first: Awaited<ReturnType<typeof openView>>, second: typeof first): Promise<number> => {
      await second.evaluate(() => {
        Reflect.set(window, "heard", 0);
        new BroadcastChannel("meeting").onmessage = () => Reflect.set(window, "heard", Number(Reflect.get(window, "heard")) + 1);
      });
      await first.evaluate(() => {
        const port = new BroadcastChannel("meeting");
        port.postMessage("x");
      });
      // A message of its own channel after it: whoever shares it has heard the first by then.
      return second.evaluate(async () => {
        const own = new BroadcastChannel("meeting");
        const heard = new Promise((resolve) => {
          own.onmessage = resolve;
        });
        const port = new BroadcastChannel("meeting");
        port.postMessage("own");
        await heard;
        return Number(Reflect.get(window, "heard")) - 1;
      });
    };
    const one = (await control.frame(person.browser)).frame;
    const two = (await control.frame(person.browser)).frame;
    expect(await meet(one, two)).toBe(1);
    const blank = await openView(person.console, "show_blank");
    const again = await openView(person.console, "show_blank");
    const room = await openView(person.console, "show_room");
    expect([await meet(blank, again), await meet(blank, room), await meet(room, blank)]).toEqual([0, 0, 0]);
    const hosts = await person.console.page
      .getByTestId("widget-frame")
      .evaluateAll((frames) => frames.map((frame) => new URL(frame.getAttribute("src") ?? "").host));
    expect(new Set(hosts).size).toBe(2);
    expect(await again.evaluate(() => window.name)).toBe("");
    await one.page().close();
    await two.page().close();
  });

  it("V16 answers each view only, also when two ask under the same id", async () => {
    const [first, second] = [await openView(person.console, "show_blank"), await openView(person.console, "show_room")];
    const [one, two] = await Promise.all([
      ask(first, "tools/call", { name: "plain", arguments: {} }, "same"),
      ask(second, "tools/call", { name: "treasure", arguments: {} }, "same"),
    ]);
    expect(JSON.stringify(one)).toContain("done plain");
    expect(JSON.stringify(two)).toContain("done treasure");
    await say(first, { jsonrpc: "2.0", id: "same", result: { content: [{ type: "text", text: "forged" }] } });
    expect(JSON.stringify(await ask(second, "tools/call", { name: "treasure", arguments: {} }, "next"))).toContain("done treasure");
  });
});
