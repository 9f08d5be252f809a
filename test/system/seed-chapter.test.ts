import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import type { OrgId } from "#protocol/ids.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, owner, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { openBrowserOn } from "./support/browser.ts";

/*
 * The five sub-tests of the guide's chapter "Machine Registration via Auth Key (Headless)", word for word:
 *
 *      +---------------------- switch (UDP dropped, later allowed) ----------------------+
 *      |                       |                         |                               |
 *   control plane            Win-A                     Win-B                          Linux-C
 *   npm start, 10.77.0.1     Chromium, 10.77.0.2       ztna up, 10.77.0.3             ztna up, 10.77.0.4
 *                            100.64.0.1 (no agent)     100.64.0.2                     100.64.0.3
 */

let network: Network;
let plane: RunningControlPlane;
let winA: Host;
let winB: Host;
let linuxC: Host;
let token: string;
let orgId: OrgId;
let authKey: string;
let browser: Browser;
let dashboard: Page;
let onWinB: Background;
let onLinuxC: Background;

beforeAll(async () => {
  network = new Network(`tl${process.pid}-`);
  network.blockUdp();
  const server = network.add("control");
  [winA, winB, linuxC] = ["Win-A", "Win-B", "Linux-C"].map((name) => network.add(name)) as [Host, Host, Host];
  plane = await startOn(server);
  for (const host of [winA, winB, linuxC]) host.environment["ZTNA_API_URL"] = plane.url;
  const { session, orgId: org } = await logInFrom(winA, plane.url);
  [token, orgId] = [session.token, org as OrgId];
  browser = await openBrowserOn(winA);
  dashboard = await browser.newPage({ baseURL: plane.url });
  dashboard.setDefaultTimeout(15_000);
});

afterAll(async () => {
  await browser?.close();
  for (const agent of [onLinuxC, onWinB]) await agent?.stop();
  await plane?.process.stop();
  network?.remove();
});

describe("seed chapter", () => {
  test("ST1 an admin makes a reusable key in the dashboard, shown once and listed as unused", async () => {
    await dashboard.goto("/dashboard");
    await dashboard.getByLabel("Email").fill(owner.email);
    await dashboard.getByLabel("Password", { exact: true }).fill(owner.password);
    await dashboard.keyboard.press("Enter");
    await dashboard.getByRole("link", { name: "Settings" }).click();
    await dashboard.getByRole("tab", { name: "Auth Keys" }).click();
    authKey = await generateKey("test-headless-key", { reusable: true, days: 7 });
    await listRow("test-headless-key").getByText("Used: 0").waitFor({ state: "attached" });
    const cells = await listRow("test-headless-key").getByRole("cell").allTextContents();
    const expiry = new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(Date.now() + 7 * 86_400_000);
    expect(cells).toEqual(expect.arrayContaining(["Used: 0", "Reusable: Yes", "Ephemeral: No", `Expiry: ${expiry}`]));
    expect(await dashboard.content()).not.toContain(authKey);
    expect(await keyRow("test-headless-key")).toMatchObject({ used_count: 0, reusable: true, ephemeral: false });
  });

  test("two machines register before, by the API and by ztna up", async () => {
    const { key } = await makeKey("other-machines", true, 1);
    const first = await call(winA.fetch, plane.url, registerMachine, { auth_key: key, name: "Win-A", os: "windows" });
    expect(first).toMatchObject({ tailnet_ip: "100.64.0.1", status: "online", name: "Win-A" });
    winB.environment["ZTNA_AUTH_KEY"] = key;
    onWinB = winB.start("ztna", ["up"]);
    await onWinB.prints("Press Ctrl+C to stop...");
    expect(onWinB.stdout).toContain("Registered: Win-B (100.64.0.2)");
  });

  test("ST2 ztna up --auth-key registers, connects and says so word for word", async () => {
    await linuxC.shell("ztna down; ztna logout");
    linuxC.environment["ZTNA_AUTH_KEY"] = authKey;
    onLinuxC = linuxC.start("bash", ["-c", `exec ztna up --auth-key "$ZTNA_AUTH_KEY"`]);
    await onLinuxC.prints("Press Ctrl+C to stop...");
    expect(onLinuxC.stdout.replace(/Node key: [0-9a-f]{16}\.\.\./, "Node key: a1b2c3d4e5f6g7h8...")).toBe(
      `Starting QuickZTNA...
Registered: Linux-C (100.64.0.3)
Connected as Linux-C (100.64.0.3) [tun]
VPN started!
Node key: a1b2c3d4e5f6g7h8...
Press Ctrl+C to stop...
`,
    );
  });

  test("ST2 ztna status shows the machine word for word", async () => {
    const { stdout, code } = await linuxC.shell("ztna status");
    expect(code).toBe(0);
    const general = stdout
      .replace(/^(Version: {7})\d+\.\d+\.\d+\n/m, "$13.2.8\n")
      .replace(/^(Node Key: {6})[0-9a-f]{16}\.\.\.\n/m, "$1a1b2c3d4e5f6g7h8...\n")
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "<uuid>");
    expect(general).toBe(`QuickZTNA Status
================
Version:       3.2.8
Node Key:      a1b2c3d4e5f6g7h8...
Authenticated: true
Machine ID:    <uuid>
Machine Name:  Linux-C
Tailnet IP:    100.64.0.3
Mode:          TUN (kernel)
DERP Region:   blr1
`);
    const printed = /Node key: ([0-9a-f]{16})/.exec(onLinuxC.stdout)![1];
    expect(stdout).toContain(`Node Key:      ${printed}...`);
  });

  test("ST3 the dashboard counts the key's use without a reload", async () => {
    await listRow("test-headless-key").getByText("Used: 1").waitFor({ state: "attached" });
  });

  test("ST3 the key's use is counted, by the chapter's own curl", async () => {
    Object.assign(winA.environment, { TOKEN: token });
    const { stdout } = await winA.shell(
      `curl -s "${plane.url}/api/db/auth_keys?org_id=${orgId}" -H "Authorization: Bearer $TOKEN" | python3 -m json.tool`,
    );
    const rows: Record<string, unknown>[] = JSON.parse(stdout).data;
    expect(rows.find(({ name }) => name === "test-headless-key")).toMatchObject({ used_count: 1 });
  });

  test("a ping crosses the relay both ways while UDP between the hosts is dropped", async () => {
    await pingEachOther();
    expect((await linuxC.shell("ztna ping Win-B --count 2")).stdout).toMatch(/probe 1: [\d.]+ms \(relayed\)/);
    expect(await pathOf("Win-B")).toBe("relay");
  });

  test("a ping crosses directly both ways once UDP may pass", async () => {
    network.allowUdp();
    await expect.poll(() => pathOf("Win-B"), { timeout: 30_000, interval: 500 }).toBe("direct");
    await pingEachOther();
    const { stdout } = await linuxC.shell("ztna ping Win-B --count 2");
    expect(stdout).toMatch(/probe 2: [\d.]+ms \(direct\)/);
    const peers = await linuxC.shell("ztna peers");
    expect(peers.stdout).toMatch(/^Win-B +100\.64\.0\.2 +blr1 +direct +— +10\.77\.0\.3:41641$/m);
  });

  test("ST4 registering again keeps the machine's id and address", async () => {
    const identity =
      `ztna status --json | python3 -c "import sys,json; d=json.load(sys.stdin); print('ID:', d['machine']['id']); print('IP:', d['machine']['tailnet_ip'])"`;
    const before = await linuxC.shell(identity);
    expect(before.stdout).toMatch(/^ID: [0-9a-f-]{36}\nIP: 100\.64\.0\.3\n$/);
    const down = await linuxC.shell("ztna down");
    expect(down.stdout).toMatch(/VPN stopped\.\n$/);
    await onLinuxC.exited;
    onLinuxC = linuxC.start("bash", ["-c", `exec ztna up --auth-key "$ZTNA_AUTH_KEY"`]);
    await onLinuxC.prints("VPN started!");
    expect(onLinuxC.stdout).toMatch(
      /^Starting QuickZTNA\.\.\.\nAlready registered: Linux-C \(IP: 100\.64\.0\.3\)\nConnected as Linux-C \(100\.64\.0\.3\) \[tun\]\nVPN started!\n/,
    );
    await onLinuxC.prints("Press Ctrl+C to stop...");
    expect((await linuxC.shell(identity)).stdout).toBe(before.stdout);
    await pingEachOther();
  });

  test("ST5 a single-use key works once and is refused with KEY_USED after that", async () => {
    const key = await generateKey("single-use-key", { reusable: false, days: 1 });
    delete linuxC.environment["ZTNA_AUTH_KEY"];
    await linuxC.shell("ztna down; ztna logout");
    await onLinuxC.exited;
    onLinuxC = linuxC.start("ztna", ["up", "--auth-key", key]);
    await onLinuxC.prints("Press Ctrl+C to stop...");
    expect(onLinuxC.stderr).toContain(
      "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.",
    );
    await linuxC.shell("ztna down; ztna logout");
    await onLinuxC.exited;
    const again = await linuxC.run("ztna", ["up", "--auth-key", key]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("auth key registration failed: KEY_USED: Auth key already used");
    expect(await keyRow("single-use-key")).toMatchObject({ used_count: 1, reusable: false });
    await listRow("single-use-key").getByText("Used: 1").waitFor({ state: "attached" });
  });
});

/** Fills in the dashboard's dialog and copies the key it shows. */
async function generateKey(name: string, { reusable, days }: { reusable: boolean; days: number }): Promise<string> {
  await dashboard.getByRole("button", { name: "Generate Auth Key" }).click();
  await dashboard.getByLabel("Name").fill(name);
  if (reusable) await dashboard.getByRole("switch", { name: "Reusable" }).check();
  await dashboard.getByText(days === 1 ? "1 day" : `${days} days`, { exact: true }).click();
  await dashboard.getByRole("button", { name: "Create", exact: true }).click();
  const key = await dashboard.getByRole("region", { name: "Auth key" }).locator("pre").textContent();
  await dashboard.getByRole("button", { name: "Done" }).click();
  expect(key).toMatch(/^tskey-auth-[0-9a-f]{64}$/);
  return key!;
}

function listRow(name: string) {
  return dashboard.getByRole("row").filter({ has: dashboard.getByText(name, { exact: true }) });
}

function makeKey(name: string, reusable: boolean, days: number) {
  const input = { org_id: orgId, name, reusable, expiry_days: days };
  return call(winA.fetch, plane.url, createAuthKey, input, { token });
}

async function keyRow(name: string): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({ org_id: `eq.${orgId}`, name: `eq.${name}` });
  const response = await winA.fetch(`${plane.url}/api/db/auth_keys?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { data } = await response.json() as { data: Record<string, unknown>[] };
  expect(data).toHaveLength(1);
  return data[0]!;
}

async function pingEachOther(): Promise<void> {
  for (const [from, to] of [[linuxC, "100.64.0.2"], [winB, "100.64.0.3"]] as const) {
    await expect.poll(async () => (await from.run("ping", ["-c1", "-W2", to])).code, { timeout: 20_000 }).toBe(0);
    const { stdout } = await from.run("ping", ["-c5", "-i0.2", "-W2", to]);
    expect(stdout).toContain("5 packets transmitted, 5 received, 0% packet loss");
  }
}

async function pathOf(name: string): Promise<string | undefined> {
  const { stdout } = await linuxC.shell("ztna peers --json");
  const peers: { name: string; path: string }[] = JSON.parse(stdout);
  return peers.find((peer) => peer.name === name)?.path;
}
