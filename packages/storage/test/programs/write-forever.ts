// Writes records one after the other and prints each id when its write was acknowledged, until it is killed or a write fails.
import { writeSync } from "node:fs";
import { openDatabase } from "../../src/open.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const database = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
const rows = database.records({ name: "rows", parse: (json) => json });
for (let number = 0; ; number += 1) {
  const id = `${prefix}-${number}`;
  if (number % 3 === 0) await rows.create(id, { number });
  else if (number % 3 === 1) await rows.put(id, { number }, { keys: { writer: prefix } });
  else
    await database.transaction(async (tx) =>
      tx.records({ name: "rows", parse: (json) => json }).create(id, { number }, { keys: { writer: prefix } }),
    );
  writeSync(1, `${id}\n`);
}
