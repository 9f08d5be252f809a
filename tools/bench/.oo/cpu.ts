import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { execSync, spawn } from "node:child_process";
import http from "node:http";
import { signup } from "#protocol/api/auth.ts";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import { makeWorkerSecrets } from "../../start/worker-secrets.ts";
import { startRawWorkerd } from "../raw-workerd.ts";
import { agentRegistrations, bareRegistrations } from "../registrations.ts";
const w = await startRawWorkerd({
  ...await makeWorkerSecrets(),
  ZTNA_LIMITS: JSON.stringify({ register_per_ip: 0, register_per_key: 0, machine_quota: 1e7 }),
  ZTNA_TIMINGS: process.env.OO_TIMINGS ?? "{}",
});
const { token } = await call(fetch, w.url, signup, { email: "b@example.com", password: "correct horse x" });
const org = await call(fetch, w.url, createOrg, { name: "Bench" }, { token });
const key = (await call(fetch, w.url, createAuthKey, { org_id: org.id, name: "bench", reusable: true }, { token })).key;
const pids = execSync(`ps -o pid= --ppid ${process.pid} -C workerd`).toString();
const pid = execSync(`pgrep -P ${process.pid} workerd`).toString().trim().split("\n")[0]!;
const cpu = () => {
  const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(f[11]) + Number(f[12])) * 10;
};
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const post = (path: string, body: string) =>
  new Promise<void>((ok, bad) => {
    const r = http.request(w.url + path, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    }, (res) => {
      if (res.statusCode !== 200) bad(new Error(String(res.statusCode)));
      res.resume();
      res.on("end", ok);
    });
    r.on("error", bad);
    r.end(body);
  });
async function run(name: string, path: string, bodies: string[]) {
  const c0 = cpu(), t0 = performance.now();
  let i = 0;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (i < bodies.length) await post(path, bodies[i++]!);
  }));
  console.log(
    name.padEnd(24),
    ((cpu() - c0) / bodies.length * 1000).toFixed(0).padStart(6),
    "us cpu/req",
    (bodies.length / (performance.now() - t0) * 1000).toFixed(0),
    "req/s",
  );
}
const R = "/api/register-machine";
const N = Number(process.env.N ?? 1500);
const wg = (p: string) =>
  agentRegistrations(key, p, N).map((b) => {
    const o = JSON.parse(b);
    delete o.machine_key;
    delete o.machine_key_signature;
    return JSON.stringify(o);
  });
for (let r = 0; r < 2; r++) {
  await run("hello", "/bench/hello", wg(`h${r}`));
  await run("d1", "/bench/d1", wg(`d${r}`));
  await run("register full", R, agentRegistrations(key, `f${r}`, N));
  const same = agentRegistrations(key, `s`, 100);
  await run("register same", R, Array.from({ length: N }, (_, i) => same[i % 100]!));
  await run("register wg only", R, wg(`w${r}`));
  await run("bad mac", R, wg(`w${r}`).slice(0, 0).concat(Array.from({ length: 0 })));
  await run("register bare", R, bareRegistrations(key, `b${r}`, N));
}
if (process.env.PERF) {
  const p = spawn("perf", ["record", "-F", "999", "-g", "-p", pid, "-o", "/tmp/oo/perf.data"], { stdio: "inherit" });
  await new Promise((s) => setTimeout(s, 500));
  await run("perf full", R, agentRegistrations(key, "p", 4000));
  p.kill("SIGINT");
  await new Promise((s) => p.on("exit", s));
}
await w.stop();
agent.destroy();
process.exit(0);
