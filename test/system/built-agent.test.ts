import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import type { OrgId } from "#protocol/ids.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { run } from "../../tools/process/run.ts";

/*
 * The agent as the single file people get, on our stand-in for deno's base program:
 *
 *   control plane ---- switch ---- Linux-C
 */

const root = resolve(import.meta.dirname, "../..");
const folders = [mkdtempSync(join(tmpdir(), "ztna-built-")), mkdtempSync(join(tmpdir(), "ztna-built-"))];
const program = join(folders[0]!, "ztna");
let network: Network;
let plane: RunningControlPlane;
let linuxC: Host;

beforeAll(async () => {
  network = new Network(`tlb${process.pid}-`);
  const server = network.add("control");
  linuxC = network.add("Linux-C");
  plane = await startOn(server);
});

afterAll(async () => {
  await plane?.process.stop();
  network?.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("the same sources make the same bits twice", async () => {
  for (const folder of folders) {
    const args = [join(root, "tools/build-agent/main.ts"), "--standin", "--out", folder, "--api-url", plane.url];
    const { code, output } = await run("node", args);
    expect(code, output).toBe(0);
  }
  const [first, second] = folders.map((folder) => readFileSync(join(folder, "ztna")));
  expect(first!.equals(second!)).toBe(true);
});

test("the single file plays ST2 against the control plane that was built in", async () => {
  const { session, orgId } = await logInFrom(linuxC, plane.url);
  const input = { org_id: orgId as OrgId, name: "built" };
  const { key } = await call(linuxC.fetch, plane.url, createAuthKey, input, { token: session.token });
  linuxC.environment["ZTNA_AUTH_KEY"] = key;
  const up = linuxC.start(program, ["up"]);
  await up.prints("Press Ctrl+C to stop...");
  expect(up.stdout.replace(/[0-9a-f]{16}\.\.\./, "a1b2c3d4e5f6g7h8...")).toBe(`Starting QuickZTNA...
Registered: Linux-C (100.64.0.1)
Connected as Linux-C (100.64.0.1) [tun]
VPN started!
Node key: a1b2c3d4e5f6g7h8...
Press Ctrl+C to stop...
`);
  const status = await linuxC.run(program, ["status"]);
  expect(status.stdout).toContain("Mode:          TUN (kernel)\n");
  expect((await linuxC.run(program, ["down"])).code).toBe(0);
  await up.exited;
});
