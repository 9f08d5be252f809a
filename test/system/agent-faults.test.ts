import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import type { OrgId } from "#protocol/ids.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";

/*
 * What an agent says when something is missing:
 *
 *   control plane ---- switch ---- Linux-C
 */

/** In which one registration by a key is allowed. */
const RATE_WINDOW_S = 6;

let network: Network;
let plane: RunningControlPlane;
let linuxC: Host;
let authKey: string;
let limitedKey: string;

beforeAll(async () => {
  network = new Network(`tlf${process.pid}-`);
  const server = network.add("control");
  linuxC = network.add("Linux-C");
  const timings = { register_per_key_window_s: RATE_WINDOW_S };
  plane = await startOn(server, { limits: { register_per_key: 1 }, timings });
  linuxC.environment["ZTNA_API_URL"] = plane.url;
  const { session, orgId } = await logInFrom(linuxC, plane.url);
  const makeKey = async (name: string) => {
    const input = { org_id: orgId as OrgId, name, reusable: true };
    return (await call(linuxC.fetch, plane.url, createAuthKey, input, { token: session.token })).key;
  };
  [authKey, limitedKey] = [await makeKey("faults"), await makeKey("limited")];
});

afterAll(async () => {
  await plane?.process.stop();
  network?.remove();
});

test("ztna up with a wrong key ends with the code and its message", async () => {
  linuxC.environment["ZTNA_AUTH_KEY"] = `tskey-auth-${"0".repeat(64)}`;
  const { code, stderr, stdout } = await linuxC.run("ztna", ["up"]);
  expect({ code, stderr, stdout }).toEqual({
    code: 1,
    stdout: "Starting QuickZTNA...\n",
    stderr: "auth key registration failed: INVALID_KEY: Invalid or expired auth key\n",
  });
});

test("ztna up without a key or a login says what to do", async () => {
  delete linuxC.environment["ZTNA_AUTH_KEY"];
  const { code, stderr } = await linuxC.run("ztna", ["up"]);
  expect(code).toBe(1);
  expect(stderr).toContain("not authenticated. Run 'ztna login' first or use --auth-key");
});

test("ztna up without the right to make a TUN is one line and no machine", async () => {
  linuxC.environment["ZTNA_AUTH_KEY"] = authKey;
  const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp/nobody-home", "ztna", "up"];
  const { code, stderr } = await linuxC.run("setpriv", asNobody);
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/TUN|root|CAP_NET_ADMIN/);
});

test("ztna up with the server away says so, keeps trying and connects when it is back", async () => {
  network.plug(linuxC, "down");
  const up = linuxC.start("ztna", ["up"]);
  await expect.poll(() => up.stderr + up.stdout, { timeout: 20_000 }).toMatch(/[Cc]annot reach|not reachable|retry/);
  expect(up.running).toBe(true);
  network.plug(linuxC, "up");
  await up.prints("Press Ctrl+C to stop...", 40_000);
  expect(up.stdout).toContain("Registered: Linux-C (100.64.0.1)");
  expect(await up.stop("SIGINT")).toBe(130);
  expect(up.stdout).toMatch(/Shutting down VPN\.\.\.\nVPN stopped\.\n$/);
}, 90_000);

test("the tunnel's device is gone after the agent has stopped", async () => {
  const { stdout } = await linuxC.run("ip", ["-brief", "link"]);
  expect(stdout.trim().split("\n").map((line) => line.split(/[ @]/)[0]).sort()).toEqual(["eth0", "lo"]);
});

test("ztna up over the rate limit waits as long as the server asks, then registers", async () => {
  const linuxD = network.add("Linux-D");
  const post = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ auth_key: limitedKey, name: "first" }),
  };
  expect((await linuxD.fetch(`${plane.url}/api/register-machine`, post)).status).toBe(200);
  const refused = await linuxD.fetch(`${plane.url}/api/register-machine`, post);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(RATE_WINDOW_S - 3);

  Object.assign(linuxD.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: limitedKey });
  const up = linuxD.start("ztna", ["up"]);
  await up.prints("Press Ctrl+C to stop...", 30_000);
  expect(up.stderr + up.stdout).toMatch(/RATE_LIMITED|Too many/);
  expect(up.stdout).toContain("Registered: Linux-D (100.64.0.3)");
  expect(await up.stop("SIGINT")).toBe(130);
}, 90_000);
