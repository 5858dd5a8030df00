import { Client } from "pg";
import { afterAll, beforeAll } from "vitest";
import { usePostgres } from "../testing/postgres.ts";
import { describeStorage } from "./conformance.ts";

let server: Awaited<ReturnType<typeof usePostgres>>;
let url: string;
let admin: Client;

beforeAll(async () => {
  server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  url = await server.createDatabase();
  admin = new Client({ connectionString: url });
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
    return url;
  },
});
