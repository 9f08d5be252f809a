import assert from "node:assert/strict";
import { call } from "#protocol/api/call.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type AgentStatus, localPing, localStatus } from "#protocol/local/daemon.ts";
import { metrics } from "../support/metrics.ts";
import { type LocalHandlers, serveLocalApi } from "../../../agent/daemon/local-api.ts";
import { askAgent } from "../../../agent/daemon/local-client.ts";
import { agentPaths } from "../../../agent/daemon/paths.ts";
import { PidFile } from "../../../agent/daemon/pid-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const status: AgentStatus = {
  version: "0.1.0",
  pid: 1,
  node_key: "ab".repeat(32),
  authenticated: true,
  machine: null,
  org_id: null,
  api_url: "http://localhost",
  os: "linux",
  mode: "TUN (kernel)",
  interface: "ztna0",
  derp_region: null,
  control: "connected",
  relay: "connected",
  flags: null,
  network: {},
  problem: null,
};
const handlers: LocalHandlers = {
  status: () => status,
  peers: () => [],
  metrics: () => metrics,
  checkNetwork: () => Promise.reject(new Error("not asked")),
  ping: ({ target }) => Promise.reject(new ZtnaError("NOT_FOUND", `no peer named ${target}`)),
  down: () => Promise.reject(new Error("the secret cause")),
};

/** Sends one raw request over the socket. */
async function raw(path: string, url: string, init: RequestInit): Promise<Response> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const response = await fetch(`http://agent${url}`, { ...init, client });
  return new Response(await response.text(), response);
}

Deno.test("only the owner can open the socket, whatever the mask says", async () => {
  using directory = temporaryDirectory();
  const { socket } = agentPaths(directory.path);
  const mask = Deno.umask(0);
  const api = serveLocalApi(socket, handlers, () => {});
  assert.equal(Deno.umask(mask), 0, "the mask is put back");
  assert.equal((Deno.statSync(socket).mode ?? 0) & 0o777, 0o600);
  await api.close();
});

Deno.test("the command line reaches the agent that holds the pid file, and a left-over socket is replaced", async () => {
  using directory = temporaryDirectory();
  const paths = agentPaths(directory.path);
  Deno.writeTextFileSync(paths.socket, "left over");
  const api = serveLocalApi(paths.socket, handlers, () => {});
  assert.equal(await askAgent(paths, localStatus, {}), undefined, "no agent runs");
  const pid = PidFile.claim(paths.pid)!;
  assert.deepEqual(await askAgent(paths, localStatus, {}), status);
  await assert.rejects(askAgent(paths, localPing, { target: "x", timeout_ms: 10 }), { code: "NOT_FOUND" });
  pid.release();
  await api.close();
});

Deno.test("bad requests are refused and the cause of a failure stays in the log", async () => {
  using directory = temporaryDirectory();
  const { socket } = agentPaths(directory.path);
  const logged: string[] = [];
  const api = serveLocalApi(socket, handlers, (_level, _event, fields) => logged.push(JSON.stringify(fields)));
  const post = (url: string, body: string) => raw(socket, url, { method: "POST", body });
  assert.equal((await raw(socket, "/nowhere", {})).status, 404);
  assert.equal((await raw(socket, "/down", {})).status, 404);
  assert.equal((await post("/ping", "{")).status, 400);
  assert.equal((await post("/ping", '{"target":"a","timeout_ms":0}')).status, 400);
  assert.equal((await post("/ping", `{"target":"${"a".repeat(20_000)}"}`)).status, 413);
  const failed = await post("/down", "{}");
  assert.equal(failed.status, 500);
  assert.ok(!(await failed.text()).includes("secret"));
  assert.match(logged.join(), /the secret cause/);
  await api.close();
});

Deno.test("a path too long for a socket is one clear line", () => {
  assert.throws(() => serveLocalApi(`/tmp/${"x".repeat(120)}/ztna.sock`, handlers, () => {}), /QUICKZTNA_CONFIG_DIR/);
});

Deno.test("an agent that is away is UNAVAILABLE", async () => {
  using directory = temporaryDirectory();
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${directory.path}/none.sock` } });
  await assert.rejects(
    call((url, init) => fetch(url, { ...init, client }), "http://agent", localStatus, {}),
    { code: "UNAVAILABLE" },
  );
});
