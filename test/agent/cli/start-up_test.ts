import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);

/** Every file that is loaded for a start file, without what is imported only when needed. */
async function loadedFiles(start: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", fileURLToPath(new URL(start, root))],
    stdout: "piped",
    stderr: "null",
  }).output();
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; dependencies?: { code?: { specifier?: string }; isDynamic?: boolean }[] }[];
  };
  const byName = new Map(graph.modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const { code, isDynamic } of byName.get(specifier)?.dependencies ?? []) {
      if (code?.specifier !== undefined && isDynamic !== true) visit(code.specifier);
    }
  };
  visit(new URL(start, root).href);
  return [...seen];
}

Deno.test("a status never loads the data plane, the sockets or the crypto library", async () => {
  for (const start of ["agent/main.ts", "agent/daemon/read-status.ts", "agent/daemon/config.ts"]) {
    const files = await loadedFiles(start);
    assert.ok(files.length > 3, `${start} was not looked at`);
    const heavy = files.filter((file) =>
      /@noble|\/ws\/|\/agent\/(dataplane|tun|net|crypto|os)\/|clack|fflate|bomb\.sh/.test(file)
    );
    assert.deepEqual(heavy, [], start);
  }
});
