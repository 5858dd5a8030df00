import { build } from "vite";
import { expect, test } from "vitest";

const bytesMax = 10_000;

test("the library is under 10 kB, minified and compressed", async () => {
  const entry = new URL("../src/connect.ts", import.meta.url).pathname;
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      target: "es2024",
      lib: { entry, formats: ["es"] },
      // Libraries keep their white space by default; the page that an app ships does not.
      rolldownOptions: { output: { minify: true } },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((bundle) => ("output" in bundle ? bundle.output : []));
  const code = outputs.map((file) => ("code" in file ? file.code : "")).join("");
  expect(code).toContain("ui/initialize");
  const compressed = new Response(code).body?.pipeThrough(new CompressionStream("gzip"));
  const bytes = (await new Response(compressed ?? null).arrayBuffer()).byteLength;
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(bytesMax);
});
