import { relative } from "node:path";
import type { NewApp } from "./new-app.ts";

/** What to type next, from where the person stands. */
export function nextSteps(app: NewApp, standing: string, installed: boolean): string {
  const folder = relative(standing, app.folder) || ".";
  const start = `npm start -- --app ${quoted(folder)}`;
  const serve = `cd ${quoted(folder)} && ${installed ? "" : "npm install && "}npm start`;
  const width = Math.max(start.length, serve.length);
  return [
    "",
    `  ${app.title} is made in ${app.folder}`,
    "",
    "  Then",
    `    1  ${start.padEnd(width)}   here: a local host and wallet that know the app`,
    `    2  ${serve.padEnd(width)}   in another terminal: the app, at ${app.resource}`,
    "",
    "  and open the console that the first one names.",
    `  Tests     npm test, in ${folder}`,
    "",
    "",
  ].join("\n");
}

/** A path as a shell takes it as one word. */
function quoted(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : `"${path.replaceAll(/(["$`\\])/g, "\\$1")}"`;
}
