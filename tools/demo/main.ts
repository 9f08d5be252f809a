import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import type { OrgId } from "#protocol/ids.ts";
import type { Background } from "../lab/background.ts";
import { logInFrom, owner, startOn } from "../lab/control-plane.ts";
import type { Host } from "../lab/host.ts";
import { Network } from "../lab/network.ts";
import { aside, heading, type, typeAndLeave } from "./stage.ts";

/**
 * `npm run demo` (root): the chapter "Machine Registration via Auth Key (Headless)" with its commands and output, in
 * network namespaces that are gone afterwards; then pings through the tunnel, by the relay and directly.
 */
if (process.getuid?.() !== 0) {
  console.error("The demo makes network namespaces and TUN devices: run it as root.");
  process.exit(1);
}

const network = new Network(`tldemo${process.pid}-`);
const running: Background[] = [];
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
try {
  const interrupted = new Promise<void>((settle) => stopping.signal.addEventListener("abort", () => settle()));
  await Promise.race([play(), interrupted]);
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  for (const program of running.reverse()) await program.stop();
  network.remove();
}

async function play(): Promise<void> {
  const server = network.add("control");
  const [winA, winB, linuxC] = ["Win-A", "Win-B", "Linux-C"].map((name) => network.add(name)) as [Host, Host, Host];
  network.blockUdp();
  heading("Control plane: npm start");
  const plane = await startOn(server);
  running.push(plane.process);
  console.log(plane.process.stdout.split("\n").filter((line) => /Log in|e-mail/.test(line)).join("\n"));
  for (const host of [winA, winB, linuxC]) host.environment["ZTNA_API_URL"] = plane.url;
  const { session, orgId } = await logInFrom(winA, plane.url);
  const makeKey = async (name: string, reusable: boolean, expiry_days: number) => {
    const input = { org_id: orgId as OrgId, name, reusable, expiry_days };
    return (await call(winA.fetch, plane.url, createAuthKey, input, { token: session.token })).key;
  };

  heading("ST1  Create an auth key (what the dashboard's dialog sends)");
  const authKey = await makeKey("test-headless-key", true, 7);
  console.log(`test-headless-key, reusable, 7 days: ${authKey.slice(0, 19)}... (shown once, to ${owner.email})`);

  heading("Two machines were there before");
  const others = await makeKey("other-machines", true, 1);
  await call(winA.fetch, plane.url, registerMachine, { auth_key: others, name: "Win-A", os: "windows" });
  aside("Win-A registered by the API alone: 100.64.0.1");
  winB.environment["ZTNA_AUTH_KEY"] = others;
  running.push(await typeAndLeave(winB, "ztna up", "Press Ctrl+C"));

  heading("ST2  Register by auth key");
  linuxC.environment["ZTNA_AUTH_KEY"] = authKey;
  const up = `ztna up --auth-key "$ZTNA_AUTH_KEY"`;
  let agent = await typeAndLeave(linuxC, up, "Press Ctrl+C");
  running.push(agent);
  await type(linuxC, "ztna status", 0);

  heading("ST3  The key's use is counted");
  winA.environment["TOKEN"] = session.token;
  const query = `org_id=${orgId}&name=eq.test-headless-key&select=name,used_count`;
  await type(winA, `curl -s "${plane.url}/api/db/auth_keys?${query}" -H "Authorization: Bearer $TOKEN"; echo`, 0);

  heading("Pings through the tunnel while the switch drops all UDP: by the relay");
  await pings(linuxC, winB);
  await type(linuxC, "ztna peers", 0);

  heading("The switch lets UDP pass: directly");
  network.allowUdp();
  await untilDirect(linuxC);
  await pings(linuxC, winB);
  await type(linuxC, "ztna debug metrics", 0);
  await type(linuxC, "ztna status", 0);
  await type(linuxC, "ztna peers", 0);

  heading("ST4  Registering again keeps the identity");
  const identity =
    `ztna status --json | python3 -c "import sys,json; d=json.load(sys.stdin); print('ID:', d['machine']['id']); print('IP:', d['machine']['tailnet_ip'])"`;
  const before = await type(linuxC, identity, 0);
  await type(linuxC, "ztna down", 0);
  await agent.exited;
  running.push(agent = await typeAndLeave(linuxC, up, "Press Ctrl+C"));
  if (await type(linuxC, identity, 0) !== before) throw new Error("the identity changed");

  heading("ST5  A single-use key works once");
  const singleUse = await makeKey("single-use-key", false, 1);
  linuxC.environment["ZTNA_AUTH_KEY"] = singleUse;
  await type(linuxC, "ztna down; ztna logout");
  await agent.exited;
  running.push(agent = await typeAndLeave(linuxC, "ztna up", "Press Ctrl+C"));
  await type(linuxC, "ztna down; ztna logout");
  await agent.exited;
  await type(linuxC, "ztna up", 1);
  heading("All five sub-tests and both paths were shown.");
}

async function pings(one: Host, other: Host): Promise<void> {
  await type(one, "ztna ping Win-B --count 3", 0);
  await type(one, "ping -c 3 -i 0.2 100.64.0.2", 0);
  await type(other, "ping -c 3 -i 0.2 100.64.0.3", 0);
}

async function untilDirect(host: Host): Promise<void> {
  aside("waiting for the peers to find each other");
  for (let tries = 0; tries < 90 && !stopping.signal.aborted; tries++) {
    const { stdout } = await host.shell("ztna peers --json");
    if (stdout.includes(`"direct"`)) return;
    await new Promise((settle) => setTimeout(settle, 500));
  }
  throw new Error("no direct path was found");
}
