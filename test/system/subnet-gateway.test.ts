import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { approveRoutes, rejectRoutes } from "#protocol/api/machine-admin.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";

/*
 * A network behind a gateway, whose hosts know nothing of the tailnet:
 *
 *   control plane ---- switch ---- client    ztna up --accept-routes, 100.64.0.1
 *                        |
 *                        +-------- gateway   ztna up --gateway, 100.64.0.2
 *                                     |lan0 192.168.100.1
 *                                     |lan0 192.168.100.2, no way out
 *                                  printer
 */

const PREFIX = "192.168.100.0/24";
const PRINTER = "192.168.100.2";
let network: Network;
let plane: RunningControlPlane;
let [client, gateway, printer]: Host[] = [];
const agents: Background[] = [];
let token: string;
let orgId: OrgId;
let gatewayId: MachineId;

beforeAll(async () => {
  network = new Network(`tlg${process.pid}-`);
  const server = network.add("control");
  [client, gateway, printer] = ["client", "gateway", "printer"].map((name) => network.add(name));
  joinLan();
  plane = await startOn(server);
  const { session, orgId: org } = await logInFrom(client!, plane.url);
  [token, orgId] = [session.token, org as OrgId];
  const input = { org_id: orgId, name: "machines", reusable: true };
  const { key } = await call(client!.fetch, plane.url, createAuthKey, input, { token });
  await up(client!, key, ["--accept-routes"]);
  await up(gateway!, key, ["--gateway", "--advertise-routes", PREFIX]);
  gatewayId = JSON.parse((await gateway!.run("ztna", ["status", "--json"])).stdout).machine.id;
});

afterAll(async () => {
  for (const agent of agents) await agent.stop();
  await plane?.process.stop();
  network?.remove();
});

async function up(host: Host, key: string, args: string[]): Promise<void> {
  Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: key });
  const agent = host.start("ztna", ["up", ...args]);
  agents.push(agent);
  await agent.prints("Press Ctrl+C to stop...");
}

function joinLan(): void {
  const ends = [[gateway!, "192.168.100.1/24"], [printer!, `${PRINTER}/24`]] as const;
  const [near, far] = ends.map(([host]) => host.namespace) as [string, string];
  const ip = (...args: string[]) => execFileSync("ip", args);
  ip("-n", near, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", far);
  for (const [{ namespace }, address] of ends) {
    ip("-n", namespace, "addr", "add", address, "dev", "lan0");
    ip("-n", namespace, "link", "set", "lan0", "up");
  }
}

const reaches = async () => (await client!.run("ping", ["-c", "1", "-W", "2", PRINTER])).code === 0;

test("ztna up --gateway offers its prefix, which nobody is carried to before an admin has approved it", async () => {
  expect((await gateway!.run("ztna", ["status"])).stdout).toMatch(/Gateway: {7}on\n$/);
  await expect.poll(async () => (await gateway!.run("ztna", ["status"])).stdout).toContain(
    `AdvertisedRoutes: ${PREFIX}\n`,
  );
  expect(await reaches()).toBe(false);
  expect((await gateway!.run("nft", ["list", "tables"])).stdout).not.toContain("ztna_gateway");
});

test("approve_routes opens the way to a host that has no route back, and reject_routes closes it", async () => {
  const target = { org_id: orgId, machine_id: gatewayId };
  await call(client!.fetch, plane.url, updateOrgSettings, { org_id: orgId, allow_subnet_routing: true }, { token });
  await call(client!.fetch, plane.url, approveRoutes, target, { token });
  await expect.poll(reaches, { timeout: 15_000 }).toBe(true);
  await call(client!.fetch, plane.url, rejectRoutes, target, { token });
  await expect.poll(reaches, { timeout: 15_000 }).toBe(false);
});

test("ztna down takes the gateway's rules away", async () => {
  const target = { org_id: orgId, machine_id: gatewayId };
  await call(client!.fetch, plane.url, approveRoutes, target, { token });
  const tables = async () => (await gateway!.run("nft", ["list", "tables"])).stdout;
  await expect.poll(tables).toContain("ip ztna_gateway");
  expect((await gateway!.run("ztna", ["down"])).code).toBe(0);
  expect(await tables()).not.toContain("ztna_gateway");
});
