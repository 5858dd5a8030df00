import { createServer } from "node:http";
import { toNodeHandler } from "@countersign/kit/node";
import { makeApp } from "./app.ts";
import description from "./countersign.json" with { type: "json" };

const { title, resource, issuer, payee } = description;
const app = await makeApp({ resource, issuer, payee, bank: process.env["COUNTERSIGN_BANK_URL"] ?? "http://127.0.0.1:4400" });
createServer(toNodeHandler(app)).listen(Number(new URL(resource).port), "127.0.0.1", () => console.log(`${title} is ready at ${resource}`));
