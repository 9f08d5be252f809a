import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const root = resolve(import.meta.dirname, "../..");

export default defineConfig({
  root,
  test: {
    projects: [
      {
        test: { name: "parts", include: ["test/dashboard/**/*.test.ts"], exclude: ["test/dashboard/pages/**"] },
      },
      {
        test: {
          name: "pages",
          include: ["test/dashboard/pages/**/*.test.ts"],
          globalSetup: "test/dashboard/support/control-plane.ts",
          testTimeout: 40_000,
          hookTimeout: 60_000,
          // Each file has a browser of its own; two at a time is what a small machine bears.
          maxWorkers: 2,
        },
      },
    ],
  },
});
