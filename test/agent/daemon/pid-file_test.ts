import assert from "node:assert/strict";
import { PidFile, runningPid } from "../../../agent/daemon/pid-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

Deno.test("a pid file is held by one agent at a time and is gone after it", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.pid`;
  assert.equal(runningPid(path), undefined);
  const file = PidFile.claim(path)!;
  assert.equal(runningPid(path), Deno.pid);
  assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
  assert.equal(PidFile.claim(path), undefined);
  file.release();
  assert.equal(runningPid(path), undefined);
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
});

Deno.test("a pid that a crash left behind does not count, even when the number is in use again", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.pid`;
  Deno.writeTextFileSync(path, `${Deno.pid}\n`);
  assert.equal(runningPid(path), undefined);
  const file = PidFile.claim(path);
  assert.ok(file);
  file.release();
});

Deno.test("an agent that was killed gives its place free", async () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.pid`;
  const module = new URL("../../../agent/daemon/pid-file.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--ext=ts",
      `
      const { PidFile } = await import(${JSON.stringify(module)});
      console.log(String(PidFile.claim(${JSON.stringify(path)}) !== undefined));
      setTimeout(() => {}, 60_000);
    `,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value).trim(), "true");
  assert.equal(runningPid(path), child.pid);
  assert.equal(PidFile.claim(path), undefined);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  assert.equal(runningPid(path), undefined);
});
