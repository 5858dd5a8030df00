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
    // Bounds for what never ends, not measures of speed.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    restoreMocks: true,
  },
});
