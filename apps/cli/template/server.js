import { serve } from "@hono/node-server";
import { makeApp } from "./app.js";
import { readView, settings } from "./settings.js";

const app = makeApp({ ...settings, viewHtml: readView() });
const address = new URL(settings.resource);
const port = Number(process.env.PORT ?? address.port);
const hostname = process.env.BIND_ADDRESS ?? "127.0.0.1";

const server = serve({ fetch: app.fetch, port, hostname }, () => console.log(`${settings.title} is ready at ${settings.resource}`));
server.on("error", (error) => {
  console.error(`The app cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.close();
    await app.close();
    process.exit(0);
  });
}
