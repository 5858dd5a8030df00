// The records of the storage package, and the same statements on the bare engine, in one process on one database.
import { randomUUID } from "node:crypto";
import { type JsonObject, member } from "@countersign/protocol/shape";
import { openDatabase } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { runInside } from "../measure/inside.ts";
import { runProgram } from "../measure/program.ts";
import type { Sample } from "../measure/rounds.ts";
import { openRawDatabase, type RawDatabase, type Statement } from "./parts/raw-database.ts";

interface Code {
  readonly client: string;
  readonly subject: string;
  readonly scope: string;
}

const kind: RecordKind<Code> = {
  name: "code",
  parse: (json) => ({ client: String(member(json, "client")), subject: String(member(json, "subject")), scope: String(member(json, "scope")) }),
};
const value: Code = { client: "countersign-host", subject: "usr_1", scope: "orders:read payment:pr_1" };
const text = JSON.stringify(value);
const columns = "id, value, version, keys, expires_at, consumed_at";
const ttlMs = 600_000;

/** The next operation on ids that go up; false when there are none left. */
type Operation = (id: string) => Promise<boolean>;

interface Side {
  create: Operation;
  consume: Operation;
  get: Operation;
}

function ours(records: Records<Code>): Side {
  return {
    create: async (id) => (await records.create(id, value, { expiresAt: Date.now() + ttlMs })).ok,
    consume: async (id) => (await records.consume(id, Date.now())).ok,
    get: async (id) => (await records.get(id, Date.now())) !== undefined,
  };
}

function raw(database: RawDatabase): Side {
  const one = async (statement: Statement): Promise<boolean> => (await database.run(statement)).length === 1;
  return {
    create: (id) =>
      one({
        text: `insert into records (kind, id, value, version, keys, expires_at) values (?, ?, ?, 1, '{}', ?) on conflict (kind, id) do nothing returning ${columns}`,
        values: [kind.name, id, text, Date.now() + ttlMs],
      }),
    consume: (id) =>
      one({
        text: `update records set consumed_at = ?, version = version + 1 where kind = ? and id = ? and consumed_at is null and (expires_at is null or expires_at > ?) returning ${columns}`,
        values: [Date.now(), kind.name, id, Date.now()],
      }),
    get: (id) =>
      one({
        text: `select ${columns} from records where kind = ? and id = ? and (expires_at is null or expires_at > ?)`,
        values: [kind.name, id, Date.now()],
      }),
  };
}

/** Many records in one statement: what `consume` uses up. */
function fill(prefix: string, count: number): Statement {
  return {
    text: `insert into records (kind, id, value, version, keys, expires_at)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
      select '${kind.name}', '${prefix}' || i, '${text}', 1, '{}', ${Date.now() + ttlMs} from n`,
    values: [],
  };
}

async function measure(sides: Readonly<Record<string, Side>>, database: RawDatabase, task: JsonObject): Promise<Sample> {
  const side = sides[String(member(task, "side"))];
  const durationMs = Number(member(task, "durationMs"));
  const inFlight = Number(member(task, "inFlight"));
  const prefix = `${randomUUID()}-`;
  const counter = { last: 0 };
  const operationsMax = Math.ceil(durationMs * Number(member(task, "opsPerMsMax")));
  if (side === undefined) throw new TypeError("there are two sides");
  const operation = member(task, "operation");
  if (operation === "create") return runInside(durationMs, inFlight, () => side.create(prefix + ++counter.last));
  await database.run(fill(prefix, operationsMax));
  if (operation === "get") return runInside(durationMs, inFlight, () => side.get(prefix + ((++counter.last % operationsMax) + 1)));
  return runInside(durationMs, inFlight, async () => {
    counter.last += 1;
    return counter.last <= operationsMax && (await side.consume(prefix + counter.last));
  });
}

await runProgram(async (options) => {
  const url = String(options["databaseUrl"]);
  const database = await openDatabase<unknown>({ url, schema: "bench", migrations: [] });
  const bare = openRawDatabase(url, "bench");
  const sides = { ours: ours(database.records(kind)), raw: raw(bare) };
  return {
    facts: {},
    perform: (task) => measure(sides, bare, task),
    stop: async () => {
      await database.close();
      await bare.close();
    },
  };
});
