import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import type { OrgId } from "#protocol/ids.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { bin, root } from "../../tools/process/environment.ts";
import { BAD_PACKET_BYTES } from "./support/ecn-with-a-bug.ts";

/*
 * What fails under a running agent is made anew, and the tunnel goes on:
 *
 *   control plane ---- switch ---- Linux-C, two data threads, super-packets, one bug
 *                        |
 *                     Linux-E, one data thread, plain packets
 */

let network: Network;
let plane: RunningControlPlane;
let linuxC: Host;
let linuxE: Host;
let agents: Background[];
let target: string;

beforeAll(async () => {
  network = new Network(`tld${process.pid}-`);
  const server = network.add("control");
  linuxC = network.add("Linux-C");
  linuxE = network.add("Linux-E");
  plane = await startOn(server);
  const { session, orgId } = await logInFrom(linuxC, plane.url);
  const input = { org_id: orgId as OrgId, name: "faults", reusable: true };
  const { key } = await call(linuxC.fetch, plane.url, createAuthKey, input, { token: session.token });
  for (const host of [linuxC, linuxE]) {
    Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: key });
  }
  // Both kinds understand each other.
  linuxE.environment["ZTNA_DISABLE_OFFLOADS"] = "1";
  linuxC.environment["ZTNA_DATA_THREADS"] = "2";
  agents = [startWithBug(linuxC), linuxE.start("ztna", ["up"])];
  for (const agent of agents) await agent.prints("Press Ctrl+C to stop...", 40_000);
  target = (await linuxE.run("ztna", ["ip"])).stdout.trim();
  await vi.waitUntil(answers, { timeout: 20_000 });
}, 120_000);

afterAll(async () => {
  for (const agent of agents ?? []) expect(await agent.stop("SIGINT")).toBe(130);
  await plane?.process.stop();
  network?.remove();
});

test("An interface that is deleted is made again, with its address", async () => {
  await linuxC.run("ip", ["link", "del", "ztna0"]);
  expect(await mended("tun")).toMatchObject({ message: "The interface ztna0 is gone." });
});

test("An interface that is deleted again while it is being made anew is made once more", async () => {
  const isThere = async () => (await linuxC.run("ip", ["link", "show", "ztna0"])).code === 0;
  for (let round = 0; round < 3; round++) {
    await linuxC.run("ip", ["link", "del", "ztna0"]);
    await expect.poll(isThere, { timeout: 5_000, interval: 5 }).toBe(true);
    await linuxC.run("ip", ["link", "del", "ztna0"]);
    await expect.poll(answers, { timeout: 10_000, interval: 50 }).toBe(true);
  }
}, 60_000);

test("A UDP socket that is closed from outside is opened again, at its port", async () => {
  const ports = async () => (await linuxC.run("ss", ["-Huan"])).stdout.match(/:(\d+) /)?.[1];
  const before = await ports();
  await linuxC.run("ss", ["-K", "-uan", "sport", "=", `${before}`]);
  expect(await mended("udp")).toMatchObject({ errno: 103, message: "The UDP socket failed." });
  expect(await ports()).toBe(before);
});

test("A data thread that dies of a bug is said, with the place, and started again", async () => {
  await linuxC.run("ping", ["-c", "1", "-W", "1", "-s", String(BAD_PACKET_BYTES - 28), target]);
  expect((await mended("worker"))["message"]).toMatch(/a bug of this test[^]*sender\.ts/);
});

test("What was counted before a fault is still there, and every counter can be read from outside", async () => {
  const metrics = async (host: Host) => JSON.parse((await host.run("ztna", ["debug", "metrics", "--json"])).stdout);
  const { handshakes, io, peer_count } = await metrics(linuxC);
  expect(handshakes).toBeGreaterThanOrEqual(4);
  expect(io).toMatchObject({ "offload.tun_tso": 1, "offload.udp_segment": 1 });
  expect(peer_count.direct + peer_count.relay).toBe(1);
  expect((await metrics(linuxE)).io).toMatchObject({
    "offload.tun_tso": 0,
    "offload.tun_join": 0,
    "offload.udp_segment": 0,
    "offload.udp_gro": 0,
  });
  const { stdout } = await linuxC.run("ztna", ["metrics", "print"]);
  expect(stdout).toMatch(/^ztna_tx_bytes_total [1-9]/m);
});

/** `ztna up` with one file in place of another. */
function startWithBug(host: Host): Background {
  const folder = pathToFileURL(join(root, "agent/dataplane/")).href;
  const bug = pathToFileURL(join(import.meta.dirname, "support/ecn-with-a-bug.ts")).href;
  const map = join(host.home, "import-map.json");
  writeFileSync(map, JSON.stringify({ scopes: { [folder]: { [`${folder}offload/ecn.ts`]: bug } } }));
  const flags = ["--quiet", "--no-lock", "--cached-only", "--no-prompt", "-A", `--import-map=${map}`];
  return host.start(bin("deno"), ["run", ...flags, join(root, "agent/main.ts"), "up"]);
}

async function answers(): Promise<boolean> {
  return (await linuxC.run("ping", ["-c", "1", "-W", "1", target])).code === 0;
}

/** Two seconds are the product's promise. Returns what the log says of the last failure, which is of this kind. */
async function mended(where: "tun" | "udp" | "worker"): Promise<Record<string, unknown>> {
  const failedAt = performance.now();
  await expect.poll(answers, { timeout: 10_000, interval: 50 }).toBe(true);
  expect(performance.now() - failedAt).toBeLessThan(2_000);
  const [failure, restart] = await vi.waitUntil(() => lastFailure(where), { timeout: 5_000 });
  expect(restart["ms"]).toBeLessThan(2_000);
  return failure;
}

async function lastFailure(where: string): Promise<[Record<string, unknown>, Record<string, unknown>] | undefined> {
  const { stdout } = await linuxC.run("ztna", ["log"]);
  const lines = stdout.trim().split("\n").map((line): Record<string, unknown> => JSON.parse(line));
  const at = lines.findLastIndex(({ event }) => event === "data.failed");
  const restart = lines.slice(at).find(({ event }) => event === "data.restarted");
  return lines[at]?.["where"] === where && restart !== undefined ? [lines[at], restart] : undefined;
}
