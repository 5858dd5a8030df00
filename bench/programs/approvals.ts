// A wallet, its bank, a payee and a person in one process, on a database of their own.
import { startApprovals } from "@countersign/wallet/testing/approvals";
import { runProgram } from "../measure/program.ts";

await runProgram(async (options) => {
  const approvals = await startApprovals(String(options["databaseUrl"]));
  return {
    facts: {},
    async perform(task) {
      const latenciesMs: number[] = [];
      const until = performance.now() + Number(task["durationMs"]);
      while (performance.now() < until || latenciesMs.length === 0) latenciesMs.push(await approvals.approve());
      return latenciesMs;
    },
    stop: () => approvals.close(),
  };
});
