import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const main = new URL("../../../agent/main.ts", import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the real program with nothing of this process' environment but what it needs. */
async function ztna(
  args: readonly string[],
  { directory, env = {}, input = "" }: { directory: string; env?: Record<string, string>; input?: string },
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--cached-only", "--no-prompt", "-A", main, ...args],
    env: { PATH: Deno.env.get("PATH") ?? "", QUICKZTNA_CONFIG_DIR: directory, DENO_NO_UPDATE_CHECK: "1", ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  if (input !== "") await writer.write(new TextEncoder().encode(input));
  await writer.close().catch(() => undefined);
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** A control plane that gives one answer to everything and remembers what it was asked. */
async function startServer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const asked: { path: string; body: unknown }[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => text += chunk);
    request.on("end", () => {
      asked.push({ path: request.url!, body: JSON.parse(text || "{}") });
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const KEY = "tskey-auth-" + "ab".repeat(32);
const lines = (text: string) => text.trimEnd().split("\n");

Deno.test("ztna status --json, ztna version, ztna down, ztna disconnect and ztna log work without a running agent", async () => {
  using directory = temporaryDirectory();
  const at = { directory: directory.path };
  const status = await ztna(["status", "--json"], at);
  assert.equal(status.code, 0);
  const { authenticated, machine, mode } = JSON.parse(status.out);
  assert.deepEqual({ authenticated, machine, mode }, { authenticated: false, machine: null, mode: "disconnected" });
  assert.match((await ztna(["version"], at)).out, /^ztna version /);
  assert.deepEqual(await ztna(["down"], at), { code: 0, out: "VPN is not running.\n", err: "" });
  assert.equal((await ztna(["disconnect"], at)).code, 0);
  assert.match((await ztna(["log"], at)).out, /^No log yet/);
});

Deno.test("errors of every command (ztna up, ztna ip, ztna ping, ztna metrics print, ztna metrics write) are one line with what to do", async () => {
  using directory = temporaryDirectory();
  const at = { directory: directory.path, env: { ZTNA_API_URL: "http://127.0.0.1:9" } };
  const cases: [string[], RegExp][] = [
    [["peers"], /^the VPN is not running\. Run 'ztna up' first$/],
    [["metrics", "print"], /^the VPN is not running\. Run 'ztna up' first$/],
    [["debug", "metrics", "--json"], /^the VPN is not running\. Run 'ztna up' first$/],
    [["metrics", "write"], /missing required argument.*ztna --help/],
    [["ping", "Linux-C"], /^the VPN is not running\. Run 'ztna up' first$/],
    [["ip"], /^not registered\. Run 'ztna up' first$/],
    [["up"], /^not authenticated\. Run 'ztna login' first or use --auth-key$/],
    [["login", "--timeout", "1ms"], /^authentication timed out$/],
    [["login", "--timeout", "2h"], /--timeout.*between 1ms and 60m.*ztna --help/],
    [["up", "--frobnicate"], /unknown option '--frobnicate'.*ztna --help/],
    [["frobnicate"], /unknown command 'frobnicate'.*ztna --help/],
    [["ping"], /missing required argument.*ztna --help/],
    [["ping", "x", "--count", "0"], /--count.*whole number above 0.*ztna --help/],
    [["status", "--log-level", "loud"], /--log-level.*ztna --help/],
  ];
  for (const [args, expected] of cases) {
    const { code, err } = await ztna(args, at);
    assert.equal(code, 1, args.join(" "));
    assert.equal(lines(err).length, 1, err);
    assert.match(lines(err)[0]!, expected);
  }
});

Deno.test("what is given to ztna up --advertise-routes, ztna up --advertise-exit-node, ztna up --accept-routes, ztna up --shields-up, ztna up --ssh and ztna up --advertise-tags goes with the registration", async () => {
  using directory = temporaryDirectory();
  await using server = await startServer(401, { success: false, data: null, error: { code: "INVALID_KEY" } });
  const env = { ZTNA_AUTH_KEY: KEY, ZTNA_API_URL: server.url };
  const given = ["--advertise-routes", "10.0.0.0/24,192.168.1.0/24", "--advertise-tags", "ci", "--accept-routes=off"];
  await ztna(["up", ...given, "--advertise-exit-node", "--shields-up", "--ssh"], { directory: directory.path, env });
  const [first] = server.asked as { body: Record<string, unknown> }[];
  const { advertise_routes, tags, accept_routes, advertise_exit_node, shields_up, ssh_enabled } = first!.body;
  assert.deepEqual(advertise_routes, ["10.0.0.0/24", "192.168.1.0/24"]);
  assert.deepEqual({ tags, accept_routes }, { tags: ["ci"], accept_routes: false });
  assert.deepEqual([advertise_exit_node, shields_up, ssh_enabled], [true, true, true]);
});

Deno.test("ztna up --exit-node and ztna up --exit-node-allow-lan-access are kept here and said to have no effect; ztna up --reset takes them back", async () => {
  using directory = temporaryDirectory();
  await using server = await startServer(401, { success: false, data: null, error: { code: "INVALID_KEY" } });
  const at = { directory: directory.path, env: { ZTNA_AUTH_KEY: KEY, ZTNA_API_URL: server.url } };
  const kept = () => JSON.parse(Deno.readTextFileSync(`${directory.path}/config.json`));
  const { out } = await ztna(["up", "--exit-node", "100.64.0.9", "--exit-node-allow-lan-access"], at);
  assert.match(out, /^Exit node set to: 100\.64\.0\.9\n.*\nKept for later: this version does not route/);
  assert.deepEqual([kept().exit_node, kept().exit_node_allow_lan_access], ["100.64.0.9", true]);
  await ztna(["up", "--reset"], at);
  assert.deepEqual([kept().exit_node, kept().exit_node_allow_lan_access], ["off", false]);
  assert.match((await ztna(["up", "--exit-node", "Win-A"], at)).err, /^invalid exit node: Win-A\./);
});

Deno.test("ztna up --gateway needs --advertise-routes, is kept, and ztna up --gateway=false takes it back", async () => {
  using directory = temporaryDirectory();
  await using server = await startServer(401, { success: false, data: null, error: { code: "INVALID_KEY" } });
  const at = { directory: directory.path, env: { ZTNA_AUTH_KEY: KEY, ZTNA_API_URL: server.url } };
  const { err } = await ztna(["up", "--gateway"], at);
  assert.equal(err, "--gateway needs --advertise-routes, such as 192.168.100.0/24\n");
  assert.deepEqual(server.asked, []);
  const kept = () => JSON.parse(Deno.readTextFileSync(`${directory.path}/config.json`)).gateway;
  const on = await ztna(["up", "--gateway", "--advertise-routes", "192.168.100.0/24"], at);
  assert.match(on.out, /^Gateway on: approved routes are carried\.\n/);
  assert.equal(kept(), true);
  await ztna(["up", "--gateway=false"], at);
  assert.equal(kept(), false);
});

Deno.test("ztna update asks before it changes anything, and without a terminal wants ztna update --yes", async () => {
  using directory = temporaryDirectory();
  const data = { current_version: "0.1.0", latest_version: "99.0.0", update_available: true, published_at: null };
  await using server = await startServer(200, { success: true, data, error: null });
  const { code, err } = await ztna(["update"], { directory: directory.path, env: { ZTNA_API_URL: server.url } });
  assert.deepEqual({ code, err }, { code: 1, err: "nobody is there to ask. Use 'ztna update --yes'\n" });
});

Deno.test("without any control plane set, up and login say what to set", async () => {
  using directory = temporaryDirectory();
  const env = { ZTNA_AUTH_KEY: KEY };
  const { code, err } = await ztna(["up"], { directory: directory.path, env });
  assert.equal(code, 1);
  assert.match(err, /^No control plane is set\. Set ZTNA_API_URL or use --api-url[^\n]*\n$/);
});

Deno.test("help explains the program and each verb and exits 0", async () => {
  using directory = temporaryDirectory();
  const at = { directory: directory.path };
  const help = await ztna(["--help"], at);
  assert.equal(help.code, 0);
  for (
    const verb of ["up|connect", "down|disconnect", "status", "peers", "ping", "login", "logout", "log", "completion"]
  ) {
    assert.ok(help.out.includes(`\n  ${verb}`), verb);
  }
  assert.deepEqual(await ztna([], at), help);
  assert.match((await ztna(["help", "up"], at)).out, /--auth-key <key>/);
});

Deno.test("completion prints a script and answers it", async () => {
  using directory = temporaryDirectory();
  const at = { directory: directory.path };
  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    const { code, out } = await ztna(["completion", shell], at);
    assert.equal(code, 0);
    assert.ok(lines(out).length > 50, shell);
  }
  assert.match((await ztna(["complete", "--", "up", "--a"], at)).out, /^--auth-key/m);
  assert.match((await ztna(["complete", "--", "sta"], at)).out, /^status/m);
});

Deno.test("a directory that cannot be written is one line, and nothing is sent", async () => {
  using directory = temporaryDirectory();
  await using server = await startServer(500, {});
  Deno.writeTextFileSync(`${directory.path}/file`, "");
  const env = { ZTNA_AUTH_KEY: KEY, ZTNA_API_URL: server.url };
  const { code, err } = await ztna(["up"], { directory: `${directory.path}/file`, env });
  assert.equal(code, 1);
  assert.match(err, /^Cannot (use|read) [^\n]*\n$/);
  assert.deepEqual(server.asked, []);
});

Deno.test("login with a password from standard input keeps the tokens for the owner only", async () => {
  using directory = temporaryDirectory();
  const session = {
    token: "t",
    access_token: "t",
    refresh_token: "r",
    expires_in: 3600,
    user: { id: "11111111-2222-4333-8444-555555555555", email: "a@example.com" },
  };
  await using server = await startServer(200, { success: true, data: session, error: null });
  const at = { directory: directory.path, env: { ZTNA_API_URL: `${server.url}/api/` } };
  const login = await ztna(["login", "--interactive"], { ...at, input: "a@example.com\nsecret-word\n" });
  assert.deepEqual(login, { code: 0, out: "Login successful!\n", err: "" });
  assert.deepEqual(server.asked, [{
    path: "/api/auth/login",
    body: { email: "a@example.com", password: "secret-word" },
  }]);
  const tokens = `${directory.path}/tokens.json`;
  assert.equal((Deno.statSync(tokens).mode ?? 0) & 0o777, 0o600);
  assert.match((await ztna(["status"], at)).out, /Authenticated: true\n[^]*Not registered \(run 'ztna up'\)/);
  const logout = await ztna(["logout"], at);
  assert.equal(logout.out, "Logged out. Tokens and state cleared. (org_id preserved for re-login)\n");
  assert.deepEqual(server.asked.at(-1), { path: "/api/auth/logout", body: { refresh_token: "r" } });
  assert.throws(() => Deno.statSync(tokens), Deno.errors.NotFound);
});

Deno.test("login says what was wrong", async () => {
  using directory = temporaryDirectory();
  const refusal = (code: string) => ({ success: false, data: null, error: { code, message: "Invalid" } });
  const cases: [number, string, string][] = [
    [401, "INVALID_CREDENTIALS", "login failed: invalid credentials\n"],
    [429, "RATE_LIMITED", "login failed: rate limited\n"],
  ];
  for (const [status, code, expected] of cases) {
    await using server = await startServer(status, refusal(code));
    const at = { directory: directory.path, env: { ZTNA_API_URL: server.url }, input: "a@example.com\nx\n" };
    const { err, ...rest } = await ztna(["login", "--interactive"], at);
    assert.deepEqual({ code: rest.code, err }, { code: 1, err: expected });
  }
  const at = { directory: directory.path, env: { ZTNA_API_URL: "http://127.0.0.1:9" }, input: "\n\n" };
  assert.equal((await ztna(["login", "--interactive"], at)).err, "email and password are required\n");
});
