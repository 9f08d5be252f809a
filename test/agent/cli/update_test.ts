import assert from "node:assert/strict";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { Terminal } from "./support/terminal.ts";

const PATH = "/api/client-version check";
const newer = {
  current_version: PRODUCT_VERSION,
  latest_version: "99.0.0",
  update_available: true,
  published_at: "2026-03-13T10:30:00.000Z",
  download_url: "https://login.example.com/api/releases/v99.0.0/quickztna-99.0.0-linux-amd64",
  checksum_sha256: "ab".repeat(32),
  release_notes: "Faster handshakes.\nFewer \u001b[31mcolours.\n",
};
const names = { "<current>": PRODUCT_VERSION };

Deno.test("ztna update --check tells of a newer version, where it is and what is new", async () => {
  await using plane = await startControlPlane({ [PATH]: () => ({ data: newer }) });
  using terminal = new Terminal({ ZTNA_API_URL: plane.url });
  const text = await terminal.session(["ztna update --check", "ztna update --check --json"], names);
  assertGolden("update-available", text);
  const { current_version, platform } = plane.asked[0]!.body;
  assert.deepEqual({ current_version, platform }, { current_version: PRODUCT_VERSION, platform: "linux" });
  assert.equal(plane.asked[0]!.token, undefined);
});

Deno.test("ztna update --check says when this is the newest version", async () => {
  const none = { current_version: PRODUCT_VERSION, latest_version: PRODUCT_VERSION, update_available: false };
  await using plane = await startControlPlane({ [PATH]: () => ({ data: { ...none, published_at: null } }) });
  using terminal = new Terminal({ ZTNA_API_URL: plane.url });
  assertGolden("update-none", await terminal.session(["ztna update --check", "ztna update --check --json"], names));
});

Deno.test("ztna update --yes replaces only a program that is a single file, and only by a release with a checksum", async () => {
  let release: Record<string, unknown> = newer;
  await using plane = await startControlPlane({ [PATH]: () => ({ data: release }) });
  using terminal = new Terminal({ ZTNA_API_URL: plane.url });
  const text = await terminal.session(["ztna update --yes", "ztna update --json --yes"], names);
  release = { ...newer, checksum_sha256: undefined };
  assertGolden("update-refused", `${text}\n${await terminal.session(["ztna update --yes"], names)}`);
});

Deno.test("ztna update says what went wrong with the check", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  assertGolden("update-failed", await terminal.session(["ztna update --check", "ztna update"]));
});
