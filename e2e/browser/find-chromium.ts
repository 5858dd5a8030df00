import { existsSync } from "node:fs";
import packaged from "@sparticuz/chromium";

const systemPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The Chromium of the tests: `CHROMIUM_PATH`, else a system one, else the one that comes whole through the package registry. */
export async function findChromium(): Promise<string> {
  const chosen = process.env["CHROMIUM_PATH"];
  if (chosen !== undefined) {
    if (!existsSync(chosen)) throw new Error(`CHROMIUM_PATH names ${chosen}, which does not exist`);
    return chosen;
  }
  return systemPaths.find((path) => existsSync(path)) ?? (await packaged.executablePath());
}
