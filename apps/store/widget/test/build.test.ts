import { build } from "vite";
import { expect, test } from "vitest";

test("the view is one document that names nothing outside itself", async () => {
  const configFile = new URL("../vite.config.ts", import.meta.url).pathname;
  const built = await build({ configFile, logLevel: "silent", build: { write: false } });
  const files = (Array.isArray(built) ? built : [built]).flatMap((bundle) => ("output" in bundle ? bundle.output : []));
  expect(files.map((file) => file.fileName)).toEqual(["shop.html"]);
  const page = files[0] !== undefined && "source" in files[0] ? String(files[0].source) : "";
  expect(page).toContain("product-card");
  expect(page).toContain("data:image/svg+xml");
  const markup = page.replace(/<script type="module">[\s\S]*?<\/script>/, "").replace(/<style>[\s\S]*?<\/style>/, "");
  expect(markup.match(/<(script|style|link)\b/g)).toBeNull();
  expect(markup).not.toMatch(/\b(src|href|action)=/);
  const css = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";
  expect(css).not.toMatch(/url\(\s*["']?(?!data:)|@import/);
  // What the bundler means to fill in later, and then has no file left to fill in.
  expect(page).not.toContain("__VITE_");
  expect(page.length).toBeLessThan(200_000);
});
