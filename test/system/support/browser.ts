import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import type { Host } from "../../../tools/lab/host.ts";

/** Chromium as a program on one host of the test network. */
export function openBrowserOn(host: Host): Promise<Browser> {
  const program = join(host.home, "chromium");
  const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${host.namespace} ${path} "$@"\n`);
  chmodSync(program, 0o755);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath: program, args });
}
