import { createServer } from "node:http";
import { toNodeHandler } from "@countersign/kit/node";
import { makeApp } from "./app.ts";
import description from "./countersign.json" with { type: "json" };

const { title, resource, issuer, linkClient } = description;
const app = makeApp({ resource, issuer, linkClient });
createServer(toNodeHandler(app)).listen(Number(new URL(resource).port), "127.0.0.1", () => console.log(`${title} is ready at ${resource}`));
