import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin, type UserConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Browsers that know light-dark() and nesting: nothing is rewritten for older ones.
const target = ["chrome125", "edge125", "firefox129", "safari17.5"];

const config: UserConfig = defineConfig({
  root: here("."),
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [inlineEverything()],
  build: {
    outDir: here("dist"),
    emptyOutDir: true,
    target,
    cssTarget: target,
    assetsInlineLimit: () => true,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: { input: here("shop.html"), output: { codeSplitting: false } },
  },
});

export default config;

/** A view is one document: hosts put its text into a frame that can fetch nothing. Scripts and styles go into the page, their files go away. */
function inlineEverything(): Plugin {
  return {
    name: "inline-everything",
    enforce: "post",
    generateBundle: {
      // After the bundler has put in the last of its own words.
      order: "post",
      handler(_options, bundle) {
        const page = Object.values(bundle).find((file) => file.fileName.endsWith(".html"));
        if (page?.type !== "asset" || typeof page.source !== "string") throw new Error("there is no page to put things into");
        for (const file of Object.values(bundle)) {
          if (file === page) continue;
          const name = file.fileName.replaceAll(".", "\\.");
          const isScript = file.type === "chunk";
          const tag = isScript ? new RegExp(`<script[^>]*src="[^"]*${name}"[^>]*></script>`) : new RegExp(`<link[^>]*href="[^"]*${name}"[^>]*>`);
          const text = isScript ? file.code : String(file.source);
          if (!tag.test(page.source)) throw new Error(`the page does not name ${file.fileName}`);
          // A closing tag inside the text would end the element.
          const safe = text.replaceAll("</script", "<\\/script").replaceAll("</style", "<\\/style");
          const element = isScript ? `<script type="module">${safe}</script>` : `<style>${safe}</style>`;
          page.source = page.source.replace(tag, () => element);
          delete bundle[file.fileName];
        }
      },
    },
  };
}
