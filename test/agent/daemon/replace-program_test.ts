import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { downloadOf } from "../../../agent/daemon/program-update.ts";
import { replaceProgram, swapAside } from "../../../agent/daemon/replace-program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const OLD = "#!/bin/sh\necho old\n";
const NEW = "#!/bin/sh\necho new\n";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const isRoot = Deno.uid() === 0;

/** A place to download from, and a program that is installed. */
async function installed(content: string | undefined, directory = temporaryDirectory()) {
  const server = createServer((_, response) => {
    if (content === undefined) response.writeHead(404).end("no");
    else response.writeHead(200, { "content-length": String(content.length) }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const program = `${directory.path}/ztna`;
  Deno.writeTextFileSync(program, OLD);
  Deno.chmodSync(program, 0o751);
  return {
    directory: directory.path,
    program,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/quickztna-2.0.0-linux-amd64`,
    /** That nothing has changed, and nothing lies around. */
    assertAsBefore: () => {
      assert.equal(Deno.readTextFileSync(program), OLD);
      assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["ztna"]);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      directory[Symbol.dispose]();
    },
  };
}

Deno.test("a download takes the place of a program that runs, with its rights and nothing beside it", async () => {
  await using at = await installed(NEW);
  Deno.writeTextFileSync(at.program, "#!/bin/sh\necho ready\nread line\necho old $line\n");
  if (isRoot) Deno.chownSync(at.program, 65_534, 65_534);
  const running = new Deno.Command(at.program, { stdin: "piped", stdout: "piped" }).spawn();
  const lines = running.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await lines.read()).value, "ready\n");
  const progress: [number, number | undefined][] = [];
  await replaceProgram(at.program, { url: at.url, sha256: sha256(NEW) }, (...bytes) => progress.push(bytes));
  assert.deepEqual(progress.at(-1), [NEW.length, NEW.length]);
  const { mode, uid } = Deno.statSync(at.program);
  assert.deepEqual([(mode ?? 0) & 0o7777, uid], [0o751, isRoot ? 65_534 : Deno.uid()]);
  assert.deepEqual([...Deno.readDirSync(at.directory)].map(({ name }) => name), ["ztna"]);
  const { stdout } = new Deno.Command(at.program).outputSync();
  assert.equal(new TextDecoder().decode(stdout), "new\n");
  const writer = running.stdin.getWriter();
  await writer.write(new TextEncoder().encode("goes on\n"));
  await writer.close();
  assert.equal((await lines.read()).value, "old goes on\n");
  assert.equal((await running.status).success, true);
  await lines.cancel();
});

Deno.test("a download with another checksum is not installed", async () => {
  await using at = await installed(NEW);
  await assert.rejects(
    replaceProgram(at.program, { url: at.url, sha256: "0".repeat(64) }, () => {}),
    /^Error: not updated: the download is damaged: its checksum is another one\. .*ztna is as it was$/,
  );
  at.assertAsBefore();
});

Deno.test("a download that is not there, or breaks off, leaves the program as it was", async () => {
  await using missing = await installed(undefined);
  const download = { url: missing.url, sha256: sha256(NEW) };
  await assert.rejects(replaceProgram(missing.program, download, () => {}), /answers 404 to the download/);
  missing.assertAsBefore();
  await using at = await installed(NEW);
  const dead = { url: "http://127.0.0.1:9/", sha256: sha256(NEW) };
  await assert.rejects(replaceProgram(at.program, dead, () => {}), /the download cannot be had or has broken off/);
  at.assertAsBefore();
});

Deno.test({
  name: "a full disk is said, and the piece that came is removed",
  ignore: !isRoot || Deno.build.os !== "linux",
  fn: async () => {
    const directory = temporaryDirectory();
    const mounted = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", "size=64k", "ztna-test", directory.path] });
    if (mounted.outputSync().code !== 0) return directory[Symbol.dispose]();
    try {
      const large = "x".repeat(200_000);
      const server = await installed(large);
      await using _ = server;
      const program = `${directory.path}/ztna`;
      Deno.writeTextFileSync(program, OLD);
      const download = { url: server.url, sha256: sha256(large) };
      await assert.rejects(replaceProgram(program, download, () => {}), /not updated: the disk is full\./);
      assert.equal(Deno.readTextFileSync(program), OLD);
      assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["ztna"]);
    } finally {
      new Deno.Command("umount", { args: [directory.path] }).outputSync();
      directory[Symbol.dispose]();
    }
  },
});

Deno.test("a directory that cannot be written is one line, before anything is fetched", async () => {
  // Not even root writes into /proc.
  await assert.rejects(
    replaceProgram("/proc/version", { url: "http://127.0.0.1:9/", sha256: sha256(NEW) }, () => {}),
    /^Error: no right to write in \/proc: [^\n]+\. Run 'ztna update' as the user who installed it$/,
  );
});

Deno.test("where a running program cannot be replaced, the old one is set aside, and comes back when the new one cannot", () => {
  using directory = temporaryDirectory();
  const [program, draft] = [`${directory.path}/ztna.exe`, `${directory.path}/ztna.exe.new`];
  const names = () => [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort();
  for (const content of ["first", "second"]) {
    Deno.writeTextFileSync(program, OLD);
    Deno.writeTextFileSync(draft, content);
    swapAside(draft, program);
    assert.deepEqual([Deno.readTextFileSync(program), names()], [content, ["ztna.exe", "ztna.exe.old"]]);
  }
  assert.throws(() => swapAside(draft, program), Deno.errors.NotFound);
  assert.equal(Deno.readTextFileSync(program), "second");
  // An old one that still runs cannot be removed.
  Deno.mkdirSync(`${program}.old/x`, { recursive: true });
  Deno.writeTextFileSync(draft, "third");
  swapAside(draft, program);
  assert.deepEqual([Deno.readTextFileSync(program), names().length], ["third", 3]);
});

Deno.test("only what comes over https or from the control plane, with a checksum, is installed", () => {
  const check = {
    current_version: "1.0.0",
    latest_version: "2.0.0",
    update_available: true,
    published_at: null,
    download_url: "/api/releases/v2.0.0/quickztna-2.0.0-linux-amd64",
    checksum_sha256: sha256(NEW),
  };
  const API = "http://login.example.com";
  assert.deepEqual(downloadOf(check, API), { url: API + check.download_url, sha256: check.checksum_sha256 });
  const elsewhere = { ...check, download_url: "https://files.example.com/ztna" };
  assert.equal(downloadOf(elsewhere, API).url, elsewhere.download_url);
  for (const download_url of ["http://files.example.com/ztna", "file:///etc/passwd", "data:,x"]) {
    assert.throws(() => downloadOf({ ...check, download_url }, API), /not one of https/);
  }
  assert.throws(() => downloadOf({ ...check, download_url: undefined! }, API), /no download for this system/);
  for (const checksum_sha256 of [undefined!, "", "abc"]) {
    assert.throws(() => downloadOf({ ...check, checksum_sha256 }, API), /no checksum/);
  }
});
