import type { Frame } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrowserOptions } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { channels } from "../hostile/channels.ts";
import { type Control, openControl } from "../hostile/control.ts";
import { hostileMarkup } from "../hostile/markup.ts";
import { runChannels, waitForHits } from "../hostile/run-channels.ts";
import { noHits, openSink, type Sink, type Target } from "../hostile/sink.ts";
import { openView, restartView } from "../hostile/view.ts";
import { blankDocument, type HostileApp, startHostileApp } from "../stack/hostile-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const declared = {
  connectDomains: ["https://api.example.com", "wss://live.example.com:8443"],
  resourceDomains: ["https://*.cdn.example.com"],
  frameDomains: ["https://maps.example.com"],
};

const views = [
  ["declares nothing", "show_blank"],
  ["declares other domains", "show_declared"],
] as const;

/** Not every Chromium opens these even for a page without a sandbox; where none is seen, nothing is proven and the run says so. */
const mayBeInvisible = new Set(["own-csp-report", "preconnect", "dns-prefetch", "speculation-prefetch", "speculation-prerender", "payment-manifest"]);

/** Those whose control must leak. */
const shown = channels.map(({ name }) => name).filter((name) => !mayBeInvisible.has(name));

type Tool = "show_blank" | "show_declared";

describe("ways out of a view", () => {
  let hostile: HostileApp;
  let stack: TestStack;
  let person: Person;
  let plain: Person;
  const others: Person[] = [];
  let control: Control;
  let sink: Sink;
  let targets: Readonly<Record<Tool | "byPolicyAlone", ReadonlyMap<string, Target>>>;
  let markup: Target;
  let leaking: ReadonlySet<string>;

  const come = async (options: BrowserOptions = {}): Promise<Person> => {
    const other = await arrive(stack.urls.console, undefined, options);
    others.push(other);
    await other.console.connected("hostile");
    return other;
  };

  const isQuiet = (target: Target): boolean => Object.values(sink.hits(target)).every((count) => count === 0);

  /** Runs every attack in views of one tool, for one person. */
  const attack = async (who: Person, tool: Tool): Promise<ReadonlyMap<string, Target>> => {
    let opened = false;
    const fresh = async (where: "view" | "browser"): Promise<Frame> => {
      if (where === "browser" && who === person) return openView((await come()).console, tool);
      const frame = opened ? await restartView(who.console, tool) : await openView(who.console, tool);
      opened = true;
      return frame;
    };
    return runChannels(channels, sink, { fresh });
  };

  beforeAll(async () => {
    sink = openSink();
    control = await openControl();
    markup = await sink.open("markup");
    hostile = await startHostileApp("hostile", {
      blank: { html: blankDocument, meta: {} },
      declared: { html: blankDocument, meta: { ui: { csp: declared } } },
      markup: { html: hostileMarkup(markup), meta: {} },
    });
    stack = await runStack({ connectors: [hostile.connector] });
    person = await come();
    plain = await come({ without: ["ConnectionAllowlists"] });
    await openView(person.console, "show_markup");
    targets = {
      show_blank: await attack(person, "show_blank"),
      show_declared: await attack(person, "show_declared"),
      byPolicyAlone: await attack(plain, "show_declared"),
    };
    // The control comes last: when its data has arrived, the views' would have had more time than that.
    const controlled = await runChannels(channels, sink, { fresh: async () => (await control.frame(person.browser)).frame });
    leaking = await waitForHits(sink, controlled, mayBeInvisible);
  }, 300_000);

  afterAll(async () => {
    for (const other of others) await other.leave();
    await stack?.stop();
    await hostile?.stop();
    await control?.close();
    await sink?.close();
  });

  it("V05 the control proves each channel: without the sandbox its data arrives", () => {
    expect(shown.filter((name) => !leaking.has(name))).toEqual([]);
  });

  describe.each(views)("of a view that %s", (_, tool) => {
    it.for(shown)("V05 nothing leaves by %s: no request, no connection, no packet", (name) => {
      const target = targets[tool].get(name);
      expect(target === undefined ? undefined : sink.hits(target)).toEqual(noHits);
    });

    it("V05 nothing is seen either of the channels that this browser may not open even for an ordinary page", () => {
      const unproven = [...mayBeInvisible].filter((name) => !leaking.has(name));
      if (unproven.length > 0) console.log(`no control here, so nothing is proven of: ${unproven.join(", ")}`);
      const seen = [...targets[tool]].filter(([name, target]) => mayBeInvisible.has(name) && !isQuiet(target));
      expect(seen.map(([name]) => name)).toEqual([]);
    });
  });

  it("V05 nothing leaves by the markup itself, which does without any script", async () => {
    const proof = await sink.open("markup-proof");
    await control.frame(person.browser, hostileMarkup(proof));
    // In an ordinary page most of it arrives; what names the same address in the same way is asked for once.
    await expect.poll(() => sink.hits(proof).http).toBeGreaterThanOrEqual(12);
    expect(sink.hits(markup)).toEqual(noHits);
  });

  it("V05 where the browser knows no Connection-Allowlist, the policy alone leaves peer connections open and nothing else", () => {
    const open = [...targets.byPolicyAlone].filter(([, target]) => !isQuiet(target));
    expect(open.map(([name]) => name).filter((name) => !name.startsWith("webrtc-"))).toEqual([]);
  });
});
