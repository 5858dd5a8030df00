import type { Database } from "@countersign/storage/open";
import { World } from "../stand-in/world.ts";
import { findBroken } from "./invariants.ts";
import type { Journey } from "./journeys.ts";
import { User } from "./user.ts";

/** On what journeys are played. Each run gets a database with nothing of another in it. */
export interface Ground {
  open(): Promise<Database<unknown>>;
  /** Instances that share the database, each asked in turn. */
  readonly hosts: number;
  /** Journeys at a time. */
  readonly lanes: number;
}

export interface Outcome {
  /** Where the process died, each as `before call.update`. */
  readonly deaths: readonly string[];
  /** Every point that the first instance passed. */
  readonly points: readonly string[];
  readonly broken: readonly string[];
}

/** Plays the journey, with a first instance that dies at this point; whoever is left, or a new process, goes on with the same database. */
export async function cutAt(journey: Journey, ground: Ground, point: number): Promise<Outcome> {
  const database = await ground.open();
  const world = await World.start({ database, tools: journey.tools(), ...(journey.host === undefined ? {} : { host: journey.host }) });
  try {
    const first = world.faults;
    for (let more = 1; more < ground.hosts; more += 1) await world.startHost();
    let asked = 0;
    world.route = (hosts) => hosts[(asked += 1) % hosts.length];
    const user = new User(world);
    await user.browser.open();
    await journey.before?.(user, world);
    first.dieAt(point);
    const deaths = await user.insists((each) => journey.play(each, world));
    const points = first.passed.map(({ when, write }) => `${when} ${write}`);
    // What follows is the judgement, in which nobody dies any more.
    if (!first.isDead) first.dieAt(Number.POSITIVE_INFINITY);
    const allowed = first.isDead ? [...journey.ends, ...journey.mayFail] : journey.ends;
    return { deaths, points, broken: await findBroken(world, user, ["completed", ...allowed]) };
  } finally {
    await world.close();
    await database.close();
  }
}

/** Plays the journey once without a fault, then once for each point of that run; `missed` are the writes at which no run died. */
export async function cutEverywhere(
  journey: Journey,
  ground: Ground,
): Promise<{ readonly clean: Outcome; readonly failures: readonly string[]; readonly missed: readonly string[] }> {
  const clean = await cutAt(journey, ground, Number.POSITIVE_INFINITY);
  const failures: string[] = [];
  const died = new Set<string>();
  const cut = async (point: number): Promise<void> => {
    const outcome: Outcome = await cutAt(journey, ground, point).catch((error: unknown) => ({ deaths: [], points: [], broken: [String(error)] }));
    const reached = outcome.points[point];
    if (reached !== undefined) died.add(reached);
    for (const broken of outcome.broken) failures.push(`point ${point}, ${reached ?? "not reached"}: ${broken}`);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < clean.points.length) {
      next += 1;
      await cut(next - 1);
    }
  };
  await Promise.all(Array.from({ length: ground.lanes }, lane));
  // Concurrent writes may change places between runs, so it is the names that count, and one that was missed is looked for around its place.
  const missed = (): readonly string[] => [...new Set(clean.points)].filter((point) => !died.has(point));
  for (const shift of [0, -1, 1, -2, 2, 0, 0]) {
    for (const point of missed()) await cut(Math.max(0, clean.points.indexOf(point) + shift));
  }
  return { clean, failures, missed: missed() };
}
