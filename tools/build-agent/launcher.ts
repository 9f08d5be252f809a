import { chmodSync, rmSync, writeFileSync } from "node:fs";

const script = `#!/bin/sh
# Runs the bundle beside this file with an installed deno (https://deno.com), for machines where no single file was built.
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export DENO_NO_UPDATE_CHECK=1
exec "\${ZTNA_DENO:-deno}" run --quiet --no-config --no-lock --cached-only --no-remote --no-prompt \\
  --allow-net --allow-ffi --allow-read --allow-write --allow-env --allow-sys --allow-run \\
  "$here/bundle/main.js" "$@"
`;

/** Writes the program's stand-in as a script that needs deno. */
export function writeLauncher(output: string): void {
  rmSync(output, { force: true });
  writeFileSync(output, script);
  chmodSync(output, 0o755);
}
