import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { signup } from "#protocol/api/auth.ts";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import { makeWorkerSecrets } from "../start/worker-secrets.ts";
import { prepare } from "../test/prepare.ts";
import { startRawWorkerd } from "./raw-workerd.ts";
import { agentRegistrations, bareRegistrations } from "./registrations.ts";
import { type Load, load } from "./wrk.ts";

/**
 * `npm run bench:register`: raw workerd, 32 connections, rounds interleaved so that a busy minute hits every route alike.
 * The client shares the processors; read the ratios, not the rates.
 */
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "5" } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const mostPerSecond = 4000;

interface Route {
  readonly name: string;
  readonly path: string;
  readonly bodies: (round: number) => readonly string[];
}

await prepare("bench:register", { programs: ["wrk"], root: false });
const folder = mkdtempSync(join(tmpdir(), "ztna-bench-load-"));
const workerd = await startRawWorkerd(await bindings());
try {
  const authKey = await foundOrg(workerd.url);
  const results = await measure(routes(authKey));
  show(results);
} finally {
  await workerd.stop();
  rmSync(folder, { recursive: true, force: true });
}

function routes(authKey: string): Route[] {
  const count = mostPerSecond * seconds;
  const known = agentRegistrations(authKey, "again", 200);
  const plain = Array.from(
    { length: 1000 },
    (_, index) => JSON.stringify({ auth_key: authKey, name: `bench-${index}` }),
  );
  const register = "/api/register-machine";
  return [
    { name: "hello", path: "/bench/hello", bodies: () => plain },
    { name: "one D1 insert", path: "/bench/d1", bodies: () => plain },
    { name: "register, new machine", path: register, bodies: (r) => agentRegistrations(authKey, `new-${r}`, count) },
    { name: "register, same machine again", path: register, bodies: () => known },
    {
      name: "register, new, no own keys",
      path: register,
      bodies: (r) => bareRegistrations(authKey, `bare-${r}`, count),
    },
  ];
}

async function measure(all: readonly Route[]): Promise<Map<string, Load[]>> {
  const results = new Map<string, Load[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, path, bodies } of all) {
      const warmUp = round === 0;
      const result = await load(workerd.url + path, bodies(round), warmUp ? 1 : seconds, folder);
      if (!warmUp) results.get(name)!.push(result);
    }
  }
  return results;
}

function show(results: Map<string, Load[]>): void {
  const middle = new Map([...results].map(([name, loads]) => [name, median(loads)]));
  const rate = (name: string) => middle.get(name)!.requestsPerSecond;
  console.log(`\n${"route".padEnd(30)}    req/s  / hello  / D1 insert   p50 ms   p99 ms  errors`);
  for (const [name, { requestsPerSecond, p50Ms, p99Ms, errors }] of middle) {
    const cells = [
      name.padEnd(30),
      requestsPerSecond.toFixed(0).padStart(8),
      (requestsPerSecond / rate("hello")).toFixed(3).padStart(8),
      (requestsPerSecond / rate("one D1 insert")).toFixed(2).padStart(12),
      p50Ms.toFixed(1).padStart(8),
      p99Ms.toFixed(1).padStart(8),
      String(errors).padStart(7),
    ];
    console.log(cells.join(" "));
  }
  const ofHello = rate("register, new machine") / rate("hello");
  const ofD1 = rate("register, new machine") / rate("one D1 insert");
  console.log(`\nregister / hello     ${ofHello.toFixed(3)}  (goal 0.10: ${ofHello >= 0.1 ? "reached" : "missed"})`);
  console.log(`register / D1 insert ${ofD1.toFixed(2)}   (goal 1.4: ${ofD1 >= 1.4 ? "reached" : "missed"})`);
  console.log(`Medians of ${rounds} rounds of ${seconds} s, 32 connections, projection to D1 running.`);
}

function median(loads: readonly Load[]): Load {
  const of = (field: keyof Load) => loads.map((one) => one[field]).sort((a, b) => a - b)[loads.length >> 1]!;
  const errors = loads.reduce((sum, one) => sum + one.errors, 0);
  return { requestsPerSecond: of("requestsPerSecond"), p50Ms: of("p50Ms"), p99Ms: of("p99Ms"), errors };
}

async function foundOrg(url: string): Promise<string> {
  const credentials = { email: "bench@example.com", password: randomBytes(12).toString("hex") };
  const { token } = await call(fetch, url, signup, credentials);
  const org = await call(fetch, url, createOrg, { name: "Bench" }, { token });
  return (await call(fetch, url, createAuthKey, { org_id: org.id, name: "bench", reusable: true }, { token })).key;
}

async function bindings(): Promise<Record<string, string>> {
  return {
    ...await makeWorkerSecrets(),
    ZTNA_LIMITS: JSON.stringify({ register_per_ip: 0, register_per_key: 0, machine_quota: 10_000_000 }),
    ZTNA_TIMINGS: "{}",
  };
}
