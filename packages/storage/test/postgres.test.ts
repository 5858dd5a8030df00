import { Client } from "pg";
import { afterAll, beforeAll } from "vitest";
import { startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { describeStorage } from "./conformance.ts";

let server: TestPostgres;
let admin: Client;

beforeAll(async () => {
  server = await startPostgres({ isDurable: false });
  admin = new Client({ connectionString: server.url });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

describeStorage({
  name: "PostgreSQL",
  isShared: true,
  newUrl: async () => {
    // A new database takes a quarter of a second; emptying the one there is takes a few milliseconds, and a test asks for one only.
    await admin.query("drop schema if exists wallet cascade");
    return server.url;
  },
});
