import type { Frame } from "playwright-core";
import type { Channel } from "./channel.ts";
import type { Sink, Target } from "./sink.ts";

/** Where documents for the attacks come from: one that may be shared, and new ones. */
export interface Stage {
  /** A document that no attack has touched; with `browser`, in a browser that is not used for anything else either. */
  fresh(where: "view" | "browser"): Promise<Frame>;
}

/** Longer than an attack takes to start; one that never answers has left its document or ended its process. */
const startMs = 3000;

/** Starts every attack, in a document of its own where it would disturb the others, and gives each channel's target. */
export async function runChannels(channels: readonly Channel[], sink: Sink, stage: Stage): Promise<ReadonlyMap<string, Target>> {
  const targets = new Map<string, Target>();
  const shared = await stage.fresh("view");
  const start = async (channel: Channel, frame: Frame): Promise<void> => {
    const target = await sink.open(channel.name);
    targets.set(channel.name, target);
    // A refusal is an exception of the document; what counts is what arrives at the sink.
    const started = frame.evaluate(channel.attack, target).catch(() => undefined);
    await Promise.race([started, new Promise((resolve) => setTimeout(resolve, startMs))]);
  };
  for (const channel of channels.filter((each) => each.alone !== true)) await start(channel, shared);
  for (const channel of channels.filter((each) => each.alone === true))
    await start(channel, await stage.fresh(channel.mayEndProcess === true ? "browser" : "view"));
  return targets;
}

/** How long the channels that need not be seen are waited for after all others were. */
const graceMs = 1500;

/**
 * Waits until every channel has been seen but those that some browsers never open, then a moment longer for these; at most `waitMs`. Gives the names
 * of those seen.
 */
export async function waitForHits(
  sink: Sink,
  targets: ReadonlyMap<string, Target>,
  optional: ReadonlySet<string>,
  waitMs = 30_000,
): Promise<ReadonlySet<string>> {
  const until = Date.now() + waitMs;
  const seen = (): ReadonlySet<string> =>
    new Set([...targets].filter(([, target]) => Object.values(sink.hits(target)).some((count) => count > 0)).map(([name]) => name));
  const missing = (): boolean => [...targets.keys()].some((name) => !optional.has(name) && !seen().has(name));
  while (missing() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise((resolve) => setTimeout(resolve, graceMs));
  return seen();
}
