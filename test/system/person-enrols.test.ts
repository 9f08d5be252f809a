import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import type { NodeKey } from "#protocol/keys.ts";
import { listMachines } from "#protocol/api/tables.ts";
import type { OrgId } from "#protocol/ids.ts";
import { logInFrom, owner, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";

/*
 * A person logs in on their machine and connects it, without any auth key:
 *
 *   control plane ---- switch ---- Linux-C
 */

let network: Network;
let plane: RunningControlPlane;
let linuxC: Host;

beforeAll(async () => {
  network = new Network(`tlp${process.pid}-`);
  const server = network.add("control");
  linuxC = network.add("Linux-C");
  plane = await startOn(server);
  linuxC.environment["ZTNA_API_URL"] = plane.url;
});

afterAll(async () => {
  await plane?.process.stop();
  network?.remove();
});

async function ownMachines() {
  const { session, orgId } = await logInFrom(linuxC, plane.url);
  const machines = await call(linuxC.fetch, plane.url, listMachines, { org_id: orgId as OrgId }, session);
  return { machines, userId: session.user.id };
}

test("ztna login --interactive and ztna up make Linux-C the person's own machine", async () => {
  const credentials = `printf '%s\\n' '${owner.email}' '${owner.password}'`;
  const login = await linuxC.shell(`${credentials} | ztna login --interactive`);
  expect(login).toEqual({ code: 0, stdout: "Login successful!\n", stderr: "" });
  expect((await linuxC.run("ztna", ["status"])).stdout).toContain("Machine:       Not registered (run 'ztna up')");

  const up = linuxC.start("ztna", ["up"]);
  await up.prints("Press Ctrl+C to stop...");
  expect(up.stdout).toMatch(/^Starting QuickZTNA...\nRegistered: Linux-C \(100.64.0.1\)\nConnected as Linux-C /);
  const { machines, userId } = await ownMachines();
  expect(machines).toMatchObject([{ name: "Linux-C", status: "online", owner_id: userId, auth_key_id: null }]);
  expect((await linuxC.run("ztna", ["down"])).code).toBe(0);
  await up.exited;
});

test("the same machine comes back without a login, and as the same one after --force-reauth", async () => {
  const again = linuxC.start("ztna", ["up"]);
  await again.prints("Press Ctrl+C to stop...");
  expect(again.stdout).toContain("Already registered: Linux-C (IP: 100.64.0.1)");
  await linuxC.run("ztna", ["down"]);
  await again.exited;
  const forced = linuxC.start("ztna", ["up", "--force-reauth"]);
  await forced.prints("Press Ctrl+C to stop...");
  expect(forced.stdout).toContain("Already registered: Linux-C (IP: 100.64.0.1)");
  await linuxC.run("ztna", ["down"]);
  await forced.exited;
  expect((await ownMachines()).machines).toHaveLength(1);
});

test("ztna logout ends the login: its tokens are gone, here and at the control plane", async () => {
  const tokens = await linuxC.shell("cat ~/.config/ztna/tokens.json ~/.config/ztna/state.json");
  expect(tokens.code).toBe(0);
  expect((await linuxC.run("ztna", ["logout"])).stdout).toBe(
    "Logged out. Tokens and state cleared. (org_id preserved for re-login)\n",
  );
  expect((await linuxC.shell("ls ~/.config/ztna/tokens.json ~/.config/ztna/state.json")).code).not.toBe(0);
  const refused = await linuxC.run("ztna", ["up"]);
  expect(refused.stderr).toContain("not authenticated. Run 'ztna login' first or use --auth-key");
  const refreshToken = /"refresh_token": "([^"]+)"/.exec(tokens.stdout)![1]!;
  const { refresh } = await import("#protocol/api/auth.ts");
  await expect(call(linuxC.fetch, plane.url, refresh, { refresh_token: refreshToken })).rejects.toMatchObject({
    code: "INVALID_TOKEN",
  });
  const nodeKey = /"node_key": "([^"]+)"/.exec(tokens.stdout)![1] as NodeKey;
  const { status } = await call(linuxC.fetch, plane.url, machineHeartbeat, { node_key: nodeKey, status: "offline" });
  expect(status).toBe("offline");
});
