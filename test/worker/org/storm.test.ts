import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { enrol, makeKey, newInstallation, newOrg, orgStub, outcome, setUp } from "./support.ts";

const rounds = Array.from({ length: 10 }, (_, round) => round + 1);
const at = <T>(work: (index: number) => Promise<T>) => Promise.all(Array.from({ length: 50 }, (_, i) => work(i)));

function countOf(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function setQuota(orgId: string, quota: number): Promise<void> {
  await runInDurableObject(orgStub(orgId), (_, state) => {
    state.storage.sql.exec("UPDATE org SET machine_quota = ?", quota);
  });
}

describe("fifty simultaneous registrations", () => {
  it.each(rounds)("use up a single-use key exactly once (round %i)", async () => {
    const org = await newOrg();
    const { id, key } = await makeKey(org, { reusable: false });
    const outcomes = await at(async (i) => {
      const installation = await newInstallation();
      return outcome(enrol(key, `host-${i}`, await installation.proof(key, `host-${i}`)));
    });
    expect(countOf(outcomes)).toEqual({ ok: 1, KEY_USED: 49 });
    const keys = await orgStub(org.orgId).listAuthKeys();
    expect(keys).toMatchObject({ ok: true, value: [{ id, used_count: 1 }] });
  });

  it.each(rounds)("fill a quota of 7 exactly (round %i)", async () => {
    const org = await newOrg();
    await setQuota(org.orgId, 7);
    const { key } = await makeKey(org);
    const outcomes = await at((i) => outcome(enrol(key, `host-${i}`)));
    expect(countOf(outcomes)).toEqual({ ok: 7, QUOTA_EXCEEDED: 43 });
    const listed = await orgStub(org.orgId).listMachines();
    expect(listed.ok && listed.value.length).toBe(7);
  });

  it.each(rounds)("of one name make one machine with one address (round %i)", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const machines = await at(() => enrol(key, "one"));
    expect(new Set(machines.map((machine) => machine.machine_id)).size).toBe(1);
    expect(new Set(machines.map((machine) => machine.tailnet_ip))).toEqual(new Set(["100.64.0.1"]));
    expect(new Set(machines.map((machine) => machine.node_key)).size).toBe(50);
    expect(machines.filter((machine) => !machine.reactivated)).toHaveLength(1);
  });

  it.each(rounds)("lease fifty different addresses, the lowest ones (round %i)", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const machines = await at((i) => enrol(key, `host-${i}`));
    const expected = Array.from({ length: 50 }, (_, i) => `100.64.0.${i + 1}`);
    expect(new Set(machines.map((machine) => machine.tailnet_ip))).toEqual(new Set(expected));
  });
});

describe("fifty simultaneous POST /api/client-setup", () => {
  it.each(rounds.slice(0, 3))("fill a quota of 7 exactly (round %i)", async () => {
    const org = await newOrg();
    await setQuota(org.orgId, 7);
    const outcomes = await at((i) => outcome(setUp(org, org.token, `host-${i}`)));
    expect(countOf(outcomes)).toEqual({ ok: 7, QUOTA_EXCEEDED: 43 });
    const listed = await orgStub(org.orgId).listMachines();
    expect(listed.ok && listed.value.length).toBe(7);
  });

  it("mixed with registrations by auth key fill a quota of 7 exactly", async () => {
    const org = await newOrg();
    await setQuota(org.orgId, 7);
    const { key } = await makeKey(org);
    const outcomes = await at((i) =>
      outcome(i % 2 === 0 ? enrol(key, `host-${i}`) : setUp(org, org.token, `host-${i}`))
    );
    expect(countOf(outcomes)).toEqual({ ok: 7, QUOTA_EXCEEDED: 43 });
  });

  it("of one name make one machine with one address", async () => {
    const org = await newOrg();
    const machines = await at(() => setUp(org, org.token, "one"));
    expect(new Set(machines.map((machine) => machine.machine_id)).size).toBe(1);
    expect(new Set(machines.map((machine) => machine.tailnet_ip))).toEqual(new Set(["100.64.0.1"]));
    expect(machines.filter((machine) => !machine.reactivated)).toHaveLength(1);
  });
});
