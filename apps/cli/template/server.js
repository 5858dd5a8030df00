import { createServer } from "node:http";
import { toNodeHandler } from "@countersign/kit/node";
import { makeApp } from "./app.js";
import { readView, settings } from "./settings.js";

const app = makeApp({ ...settings, viewHtml: readView() });
const port = Number(process.env.PORT ?? new URL(settings.resource).port);
const hostname = process.env.BIND_ADDRESS ?? "127.0.0.1";

const server = createServer(toNodeHandler(app));
server.on("error", (error) => {
  console.error(`The app cannot listen on port ${port}: ${error.message}. Another port goes into "resource" in countersign.json.`);
  process.exit(1);
});
server.listen(port, hostname, () => console.log(`${settings.title} is ready at ${settings.resource}`));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.close();
    await app.close();
    process.exit(0);
  });
}
