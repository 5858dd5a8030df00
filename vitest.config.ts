import { defineConfig } from "vitest/config";

// One project for everything that runs in Node. Browser scenarios live in e2e/ and are driven through a real Chromium from Node.
export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.{ts,tsx}",
      "packages/host/web/test/**/*.test.{ts,tsx}",
      "apps/*/test/**/*.test.ts",
      "apps/store/widget/test/**/*.test.{ts,tsx}",
      "tools/test/**/*.test.ts",
      "e2e/**/*.test.ts",
      "bench/test/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A bound for what never comes, not a measure of speed.
    expect: { poll: { timeout: 15_000 } },
    restoreMocks: true,
  },
});
