import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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

test("ztna update --yes puts the release in the place of the single file, which then runs", async () => {
  const release = Buffer.concat([readFileSync(program), Buffer.from("the next one")]);
  await using server = await startReleases(release);
  const at = { env: { ...process.env, ZTNA_API_URL: server.url, QUICKZTNA_CONFIG_DIR: folders[1]! } };
  const { mode } = statSync(program);
  const { code, output } = await run(program, ["update", "--yes"], at);
  expect(code, output).toBe(0);
  expect(output).toContain(`
Downloading update...
  100% (${release.length}/${release.length} bytes)
Applying update...
Updated to 99.0.0. Please restart any running ztna processes.
`);
  expect(readFileSync(program).equals(release)).toBe(true);
  expect(statSync(program).mode).toBe(mode);
  expect(readdirSync(folders[0]!).filter((name) => name.endsWith(".new"))).toEqual([]);
  expect((await run(program, ["version"], at)).output).toMatch(/^ztna version /);
});

/** A control plane of which there is only what an update asks for. */
async function startReleases(release: Buffer) {
  const server = createServer((request, response) => {
    if (request.method === "GET") return response.end(release);
    const data = {
      current_version: "0.1.0",
      latest_version: "99.0.0",
      update_available: true,
      published_at: null,
      download_url: "/api/releases/latest/linux/amd64",
      checksum_sha256: createHash("sha256").update(release).digest("hex"),
    };
    return response.setHeader("content-type", "application/json").end(JSON.stringify({ success: true, data }));
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((settle) => server.close(() => settle())),
  };
}
