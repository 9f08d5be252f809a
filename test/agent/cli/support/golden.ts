import assert from "node:assert/strict";

const folder = new URL("../golden/", import.meta.url);

/**
 * Compares text with the whole of `golden/<name>.txt`. `UPDATE_GOLDEN=1 deno test -A test/agent/cli` writes the files anew;
 * read the difference before you keep it: these texts are what people and scripts build on.
 */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, folder);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") Deno.writeTextFileSync(file, text);
  assert.equal(text, Deno.readTextFileSync(file), `golden/${name}.txt`);
}
