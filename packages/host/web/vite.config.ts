import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Browsers that know light-dark(), :has() and field-sizing's fallbacks: nothing is rewritten for older ones.
const target = ["chrome125", "edge125", "firefox129", "safari17.5"];

/**
 * Two outputs in one `vite build`: the console (hashed modules) and `openai-shim.js`, a classic script that the widget
 * proxy places before a widget's own html. A classic script cannot be a chunk of the first, so it has its own environment.
 */
const config: UserConfig = defineConfig({
  root: here("."),
  appType: "spa",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  environments: {
    client: {
      build: {
        outDir: here("dist"),
        emptyOutDir: true,
        rolldownOptions: { input: { console: here("index.html"), doctor: here("doctor.html") } },
        target,
        cssTarget: target,
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        sourcemap: false,
        reportCompressedSize: true,
      },
    },
    shim: {
      consumer: "client",
      build: {
        outDir: here("dist"),
        emptyOutDir: false,
        copyPublicDir: false,
        target,
        rolldownOptions: {
          input: here("shim/openai.ts"),
          output: { format: "iife", entryFileNames: "openai-shim.js" },
        },
      },
    },
  },
  builder: {
    buildApp: async (builder) => {
      for (const name of ["client", "shim"]) {
        const environment = builder.environments[name];
        if (environment !== undefined) await builder.build(environment);
      }
    },
  },
});

export default config;
