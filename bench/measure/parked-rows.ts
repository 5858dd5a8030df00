import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

export interface ParkedRows {
  readonly calls: number;
  readonly callsOfFlow: number;
}

/**
 * Writes waiting calls into the database of a host that does not run, as copies of one that its own code has parked there: other ids, other users, a flow for every
 * so many of them, and ends that lie between five and fifteen minutes ahead. Their arguments are sealed for the first one and open for nobody, which only
 * a resumed call would notice.
 */
export function copyParkedCalls(databaseUrl: string, rows: ParkedRows): void {
  const database = new DatabaseSync(fileURLToPath(databaseUrl));
  try {
    const from = Date.now() + 5 * 60_000;
    database.exec("begin");
    copy(database, { kind: "flow", count: rows.calls / rows.callsOfFlow, calls: 1, deadline: "expiresAt", from, keys: { user: "u", due: "d" } });
    copy(database, {
      kind: "call",
      count: rows.calls,
      calls: rows.callsOfFlow,
      deadline: "deadline",
      from,
      keys: { user: "u", due: "d", flow: "f", parked: "u" },
    });
    database.exec("commit");
  } finally {
    database.close();
  }
}

interface Copies {
  readonly kind: "call" | "flow";
  readonly count: number;
  /** How many of them share a flow. */
  readonly calls: number;
  readonly deadline: string;
  readonly from: number;
  /** The index keys, each with the column that it takes its value from. */
  readonly keys: Readonly<Record<string, "u" | "d" | "f">>;
}

function copy(database: DatabaseSync, { kind, count, calls, deadline, from, keys }: Copies): void {
  const numbers = `with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${count}),
    c as (select i, '${kind}_copy_' || i as id, 'flow_copy_' || (i / ${calls}) as f, 'usr_copy_' || (i / ${calls}) as u, ${from} + (i * 7919) % 600000 as t from n),
    b as (select *, cast(t / 60000 as text) as d from c)`;
  const keysText = Object.entries(keys).map(([name, column]) => `'${name}', b.${column}`);
  database.exec(`${numbers}
    insert into records (kind, id, value, version, keys, expires_at)
    select r.kind, b.id, json_set(r.value, '$.userId', b.u, '$.${deadline}', b.t${kind === "call" ? ", '$.flowId', b.f" : ""}), 1, json_object(${keysText.join(", ")}), b.t + 3600000
    from b, (select * from records where kind = '${kind}' and json_extract(value, '$.state${kind === "call" ? ".phase" : ""}') in ('authorizing', 'ready') limit 1) r`);
  for (const [name, column] of Object.entries(keys)) {
    database.exec(`${numbers} insert into record_keys (kind, name, value, id) select '${kind}', '${name}', b.${column}, b.id from b`);
  }
}
