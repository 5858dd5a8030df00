// Tries to consume `code-0` … `code-<count - 1>` of the database at the URL, all at once, when its input says so; prints the ids it won.
import { openDatabase } from "../../src/open.ts";

const [url = "", count = "0"] = process.argv.slice(2);
const database = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
const codes = database.records({ name: "codes", parse: (json) => json });
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
process.stdin.destroy();
const ids = Array.from({ length: Number(count) }, (_, index) => `code-${index}`);
const results = await Promise.all(ids.map(async (id) => ({ id, won: (await codes.consume(id, 1)).ok })));
process.stdout.write(`${JSON.stringify(results.filter((result) => result.won).map((result) => result.id))}\n`);
await database.close();
