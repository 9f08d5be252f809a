import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuthKey, createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { type Machine, registerMachine } from "#protocol/api/machines.ts";
import type { InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { OrgId } from "#protocol/ids.ts";
import { agentRegistrations } from "../../tools/bench/registrations.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import { type Host, Loopback } from "../../tools/lab/host.ts";
import { descendants, programOf } from "../../tools/lab/processes.ts";

/* A storm of registrations over loopback; in the middle of it workerd and all around it is killed, then started again. */

type Registration = InputOf<typeof registerMachine>;
type Answer = ResponseOf<typeof registerMachine>;

let host: Host;
let plane: RunningControlPlane;
let orgId: OrgId;
let token: string;
const options = { port: 18_787, limits: { machine_quota: 1_000_000 } };

beforeAll(async () => {
  host = new Loopback("tlcrash");
  plane = await startOn(host, options);
  await logIn();
});

afterAll(async () => {
  await plane?.process.stop();
  host?.remove();
});

test(
  "a crash in a registration storm loses nothing acknowledged, over-uses no key and gives no address twice",
  async () => {
    const reusable = await makeKey("storm", true);
    const singles = await Promise.all(Array.from({ length: 30 }, (_, index) => makeKey(`single-${index}`, false)));
    const storm = bodies(reusable, "storm", 2000);
    const onceOnly = singles.flatMap((key, index) => bodies(key, `single-${index}`, 3));
    const work = interleave(storm, onceOnly);
    const acknowledged = new Map<Registration, Answer>();

    const enough = 100;
    const deadline = Date.now() + 30_000;
    const lanes = Array.from({ length: 32 }, async () => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) {
        const answer = await attempt(next);
        if (answer === "gone") return;
        if (answer !== undefined) acknowledged.set(next, answer);
      }
    });
    while (acknowledged.size < enough && Date.now() < deadline) await new Promise((settle) => setTimeout(settle, 20));
    kill();
    await Promise.all(lanes);
    await plane.process.exited;
    expect(acknowledged.size).toBeGreaterThanOrEqual(enough);
    expect(work.length).toBeGreaterThan(0);

    plane = await startOn(host, options);
    await logIn();
    const machines = await rows<Machine>("machines");
    const keys = await rows<AuthKey>("auth_keys");

    const known = new Map(machines.map((machine) => [machine.id, machine]));
    for (const [{ name }, { machine_id, tailnet_ip }] of acknowledged) {
      expect(known.get(machine_id)).toMatchObject({ name, tailnet_ip });
    }
    expect(new Set(machines.map(({ tailnet_ip }) => tailnet_ip)).size).toBe(machines.length);
    expect(new Set(machines.map(({ name }) => name)).size).toBe(machines.length);
    for (const key of keys) {
      const enrolled = machines.filter(({ auth_key_id }) => auth_key_id === key.id).length;
      expect(key.used_count, key.name).toBe(enrolled);
      if (!key.reusable) expect(key.used_count, key.name).toBeLessThanOrEqual(1);
    }

    const used = usesOf(keys, "storm");
    for (const [body, { machine_id, tailnet_ip }] of [...acknowledged].slice(0, 50)) {
      expect(await call(fetch, plane.url, registerMachine, body)).toMatchObject({ machine_id, tailnet_ip });
    }
    expect(usesOf(await rows<AuthKey>("auth_keys"), "storm")).toBe(used);
  },
  120_000,
);

function bodies(key: string, prefix: string, count: number): Registration[] {
  return agentRegistrations(key, prefix, count).map((text) => JSON.parse(text));
}

function interleave<T>(many: readonly T[], few: readonly T[]): T[] {
  return many.flatMap((item, index) => index < few.length ? [item, few[index]!] : [item]);
}

/** What a registration came to: an answer, a refusal (undefined), or nothing because the server is gone. */
async function attempt(body: Registration): Promise<Answer | undefined | "gone"> {
  try {
    return await call(fetch, plane.url, registerMachine, body, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    if (!(error instanceof ZtnaError)) return "gone";
    if (error.code === "KEY_USED") return undefined;
    return "gone";
  }
}

/** No goodbye to anybody: workerd first, then what would start it anew. */
function kill(): void {
  const all = descendants(plane.process.pid);
  const first = all.filter((pid) => programOf(pid) === "workerd");
  expect(first.length).toBeGreaterThan(0);
  for (const pid of [...first, plane.process.pid, ...all]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone with its parent.
    }
  }
}

async function logIn(): Promise<void> {
  const { session, orgId: org } = await logInFrom(host, plane.url);
  [token, orgId] = [session.token, org as OrgId];
}

async function makeKey(name: string, reusable: boolean): Promise<string> {
  return (await call(fetch, plane.url, createAuthKey, { org_id: orgId, name, reusable }, { token })).key;
}

async function rows<T>(table: string): Promise<T[]> {
  const response = await fetch(`${plane.url}/api/db/${table}?org_id=eq.${orgId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return (await response.json() as { data: T[] }).data;
}

function usesOf(keys: readonly AuthKey[], name: string): number {
  return keys.find((key) => key.name === name)!.used_count;
}
