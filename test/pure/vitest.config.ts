import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    isolate: false,
    include: ["test/pure/**/*.test.ts"],
  },
});
