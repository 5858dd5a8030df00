import { afterAll, beforeAll } from "vitest";
import { startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { describeStorage } from "./conformance.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({ isDurable: false });
});

afterAll(async () => {
  await server?.stop();
});

describeStorage({ name: "PostgreSQL", isShared: true, newUrl: () => server.createDatabase() });
