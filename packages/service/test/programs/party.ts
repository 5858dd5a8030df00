// A party of nothing but one slow answer, run as a process: `node party.ts <port>`.
import { createLogger } from "../../src/log.ts";
import { runMain } from "../../src/run-main.ts";
import { serve } from "../../src/serve.ts";

const logger = createLogger("party", { level: "info" });
await runMain(
  "party",
  () =>
    serve({
      listen: Number(process.argv[2]),
      logger,
      portVariable: "COUNTERSIGN_PARTY_PORT",
      handler: async (request) => {
        if (new URL(request.url).pathname === "/crash") void Promise.reject(new Error("canary"));
        // Answers only after the process was told to stop, so that the answer proves the drain.
        else {
          process.stdout.write("entered\n");
          await new Promise((resolve) => process.once("SIGTERM", resolve));
        }
        return new Response("finished");
      },
    }),
  process,
  logger,
);
