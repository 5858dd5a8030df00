// Makes dist/view.html: one document, because a host shows a view in a frame that can fetch nothing.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const [built] = await build({
  root: here("."),
  configFile: false,
  logLevel: "error",
  build: { write: false, target: "es2022", lib: { entry: here("main.js"), formats: ["es"] }, rolldownOptions: { output: { codeSplitting: false } } },
});
if (built.output.length !== 1) throw new Error("the script of a view is one file");
// A closing tag inside the script would end the element.
const script = built.output[0].code.replaceAll("</script", "<\\/script");
const page = await readFile(here("view.html"), "utf8");
if (!page.includes("<!-- script -->")) throw new Error("view.html has no place for the script");
await mkdir(here("../dist"), { recursive: true });
await writeFile(
  here("../dist/view.html"),
  page.replace("<!-- script -->", () => `<script type="module">${script}</script>`),
);
