import assert from "node:assert/strict";
import { strFromU8, unzipSync } from "fflate";
import { linuxC, ORG, peers, stateFile, status } from "./support/acme.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

const AUTH_KEY = "tskey-auth-" + "1a".repeat(32);
const JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJl";
const SECRETS = {
  wireguard: stateFile("").wireguard_private_key,
  machineSeed: stateFile("").machine_private_key,
  nodeKey: stateFile("").registration.node_key,
  authKey: AUTH_KEY,
  authKeyDigits: "1a".repeat(32),
  accessToken: JWT,
  refreshToken: "refresh-0123456789",
  machineToken: "machine-token-987654321",
  proxyPassword: "proxy-pass-word",
  configSecret: "hidden-in-config",
  variable: "swordfish-in-a-variable",
};

function terminalFullOfSecrets(): Terminal {
  const terminal = new Terminal({
    ZTNA_API_URL: "https://login.example.com",
    ZTNA_AUTH_KEY: AUTH_KEY,
    ZTNA_OTHER_SECRET: SECRETS.variable,
    HTTPS_PROXY: `http://user:${SECRETS.proxyPassword}@proxy.example.com:3128`,
  });
  terminal.write("config.json", { org_id: ORG, hostname: "Linux-C", smtp_password: SECRETS.configSecret });
  terminal.write("state.json", stateFile("https://login.example.com"));
  terminal.write("tokens.json", { access_token: JWT, refresh_token: SECRETS.refreshToken, api_url: "" });
  terminal.write("machine-token.json", { machine_id: linuxC.id, token: SECRETS.machineToken, expires_at: 0 });
  // Nothing of this should ever get into a log; the report must not rely on that.
  const careless = Object.values(SECRETS).map((secret) => JSON.stringify({ event: "careless.words", secret }));
  terminal.write("ztna.log", ["{}", ...careless, `{"authorization":"Bearer ${JWT}x"}`, ""].join("\n"));
  return terminal;
}

function read(path: string): Record<string, string> {
  const files = Object.entries(unzipSync(Deno.readFileSync(path)));
  return Object.fromEntries(files.map(([name, bytes]) => [name, strFromU8(bytes)]));
}

Deno.test("ztna bugreport holds the files of the guide and not one secret", async () => {
  using terminal = terminalFullOfSecrets();
  await using _ = startAgent(terminal.directory, { status: () => status, peers: () => peers });
  const path = terminal.path("report.zip");
  assertGolden("bugreport", await terminal.session([`ztna bugreport --output ${path}`]));
  const files = read(path);
  assert.deepEqual(Object.keys(files).sort(), ["config.json", "state.json", "status.json", "system.txt", "ztna.log"]);
  const everything = Object.values(files).join("\n");
  for (const [name, secret] of Object.entries(SECRETS)) assert.ok(!everything.includes(secret), name);
  assertGolden("bugreport-config", files["config.json"]!);
  assertGolden("bugreport-state", files["state.json"]!);
  assertGolden("bugreport-log", files["ztna.log"]!);
  assert.deepEqual(JSON.parse(files["status.json"]!).status, {
    ...status,
    exit_node: null,
    exit_node_allow_lan_access: false,
    auto_update: false,
    gateway: false,
  });
  assert.deepEqual(JSON.parse(files["status.json"]!).peers, peers);
  assert.match(files["system.txt"]!, /^Version: \d/m);
  assert.match(files["system.txt"]!, /^ZTNA_AUTH_KEY: \(set\)$/m);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
});

Deno.test("ztna bugreport names its file after the time, in the directory it is told", async () => {
  using terminal = new Terminal();
  const { out } = await terminal.ztna("bugreport", "--output", terminal.directory);
  const [, path] = /^Bug report written to (.*)$/m.exec(out)!;
  assert.match(path!, /\/ztna-bugreport-\d{8}-\d{6}\.zip$/);
  assert.equal(read(path!)["state.json"], "(there is none)\n");
});

Deno.test("ztna bugreport takes the end of a long log, from the start of a line", async () => {
  using terminal = new Terminal();
  const line = (i: number) => `{"event":"line.${i}","filler":"${"x".repeat(80)}"}\n`;
  terminal.write("ztna.log", Array.from({ length: 5_000 }, (_, i) => line(i)).join(""));
  const path = terminal.path("report.zip");
  await terminal.ztna("bugreport", "--output", path);
  const log = read(path)["ztna.log"]!;
  assert.ok(log.length <= 200 * 1024 && log.length > 199 * 1024, String(log.length));
  assert.ok(log.startsWith('{"event":"line.') && log.endsWith(line(4_999)));
});

Deno.test("ztna bugreport is made of damaged files too, and names a place it cannot write to", async () => {
  using terminal = new Terminal();
  for (const name of ["state.json", "tokens.json"]) terminal.write(name, `{"node_key": "${SECRETS.nodeKey}", `);
  const path = terminal.path("report.zip");
  assert.equal((await terminal.ztna("bugreport", "--output", path)).code, 0);
  assert.ok(!Object.values(read(path)).join().includes(SECRETS.nodeKey));
  const { code, err } = await terminal.ztna("bugreport", "--output", terminal.path("nowhere/report.zip"));
  assert.equal(code, 1);
  assert.match(err, /^Cannot write [^\n]*nowhere[^\n]*\n$/);
});
