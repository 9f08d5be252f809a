import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { root } from "../process/environment.ts";
import { buildKernel } from "./build.ts";

/** `npm run build:kernel`: writes the SIMD kernel for the agent. The tests check that it is the one in the repository. */
const text = await buildKernel();
writeFileSync(resolve(root, "agent/crypto/kernel/kernel-wasm.ts"), text);
console.log(`agent/crypto/kernel/kernel-wasm.ts: ${text.length} bytes`);
