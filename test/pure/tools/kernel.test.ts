import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { buildKernel } from "../../../tools/build-kernel/build.ts";

test("the kernel in the repository is the one its sources make", async () => {
  const path = resolve(import.meta.dirname, "../../../agent/crypto/kernel/kernel-wasm.ts");
  expect(await buildKernel()).toBe(readFileSync(path, "utf8"));
});
