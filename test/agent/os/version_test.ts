import assert from "node:assert/strict";
import { osVersionDetail, prettyName } from "../../../agent/os/version.ts";

Deno.test("os_version_detail is the name os-release gives, however it is quoted", () => {
  assert.equal(prettyName('NAME=x\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'), "Debian GNU/Linux 13 (trixie)");
  assert.equal(prettyName("PRETTY_NAME='Alpine'\n"), "Alpine");
  assert.equal(prettyName("PRETTY_NAME=Void\n"), "Void");
  assert.equal(prettyName("NAME=x\n"), undefined);
  assert.notEqual(osVersionDetail(), "");
});
