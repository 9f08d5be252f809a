import assert from "node:assert/strict";
import { lockSessions } from "../../../agent/os/lock-sessions.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What a loginctl of this script makes of it. */
async function lockWith(script: string) {
  using directory = temporaryDirectory();
  const program = `${directory.path}/loginctl`;
  Deno.writeTextFileSync(program, `#!/bin/sh\n${script}\n`);
  Deno.chmodSync(program, 0o700);
  return await lockSessions("linux", program);
}

Deno.test("lock_device has loginctl lock every session", async () => {
  const locked = await lockWith('[ "$*" = lock-sessions ]');
  assert.deepEqual(locked, { done: true, said: "All sessions were told to lock" });
});

Deno.test("lock_device that does not work says why in one sentence", async () => {
  assert.deepEqual(await lockWith("echo 'Access denied' >&2; echo more >&2; exit 1"), {
    done: false,
    said: "loginctl lock-sessions failed: Access denied",
  });
  assert.deepEqual(await lockSessions("linux", "/nonexistent/loginctl"), {
    done: false,
    said: "This system has no loginctl",
  });
  assert.deepEqual(await lockSessions("darwin"), { done: false, said: "Locking is not built for darwin yet" });
});
