import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** One file at a time: the tests share the machine's network and its two processors. */
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/system/**/*.test.ts"],
    globalSetup: "test/system/support/build-dashboard.ts",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
