import assert from "node:assert/strict";
import { preparePrivateDirectory, writePrivateFile } from "../../../agent/daemon/private-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name);

Deno.test("a private file is readable by its owner only, whatever the mask and an older file say", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/state.json`;
  Deno.writeTextFileSync(path, "old", { mode: 0o644 });
  const mask = Deno.umask(0);
  writePrivateFile(path, "new");
  Deno.umask(mask);
  assert.equal(modeOf(path), 0o600);
  assert.equal(Deno.readTextFileSync(path), "new");
  assert.deepEqual(names(directory.path), ["state.json"]);
});

Deno.test("a half written file that a crash left behind is replaced", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/state.json`;
  Deno.writeTextFileSync(`${path}.${Deno.pid}.tmp`, "half", { mode: 0o666 });
  writePrivateFile(path, "whole");
  assert.equal(Deno.readTextFileSync(path), "whole");
  assert.equal(modeOf(path), 0o600);
});

Deno.test("a write that fails keeps the old content and says what could not be written", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/state.json`;
  Deno.mkdirSync(path);
  assert.throws(() => writePrivateFile(path, "new"), (error: Error) => {
    assert.match(error.message, /^Cannot write .*state\.json: /);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
  assert.deepEqual(names(directory.path), ["state.json"], "the temporary file is gone");
});

Deno.test("a full disk is one line, and the old content stays", async () => {
  using directory = temporaryDirectory();
  const mounted = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=4k", "tmpfs", directory.path],
    stderr: "null",
  }).output().then(({ success }) => success, () => false);
  if (!mounted) return console.warn("left out: no right to mount a small file system");
  try {
    const path = `${directory.path}/state.json`;
    Deno.writeTextFileSync(path, "old");
    assert.throws(
      () => writePrivateFile(path, "x".repeat(100_000)),
      /^Error: Cannot write .*: No space left on device$/,
    );
    assert.equal(Deno.readTextFileSync(path), "old");
    assert.deepEqual(names(directory.path), ["state.json"]);
  } finally {
    await new Deno.Command("umount", { args: [directory.path] }).output();
  }
});

Deno.test("an open directory is shut, and a file in its place is one line", () => {
  using directory = temporaryDirectory();
  const open = `${directory.path}/open`;
  Deno.mkdirSync(open, { mode: 0o755 });
  preparePrivateDirectory(open);
  assert.equal(modeOf(open), 0o700);
  preparePrivateDirectory(`${directory.path}/new/deep`);
  assert.equal(modeOf(`${directory.path}/new/deep`), 0o700);
  Deno.writeTextFileSync(`${directory.path}/file`, "");
  assert.throws(
    () => preparePrivateDirectory(`${directory.path}/file/below`),
    /^Error: Cannot use the directory [^\n]*$/,
  );
});
