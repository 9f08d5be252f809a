import { randomBytes } from "node:crypto";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { signup } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { inTurn } from "../process/in-turn.ts";
import { makeWorkerSecrets } from "../start/worker-secrets.ts";
import { cpuText } from "./cpu.ts";
import { deliver, type Delivery } from "./fleet/delivery.ts";
import { Fleet } from "./fleet/fleet.ts";
import { type IdleHour, passIdleHour } from "./fleet/idle-hour.ts";
import { SimulatedMachine } from "./fleet/machine.ts";
import { cpuMs, residentMib } from "./fleet/workerd-process.ts";
import { startRawWorkerd } from "./raw-workerd.ts";

/**
 * `npm run bench:fleet`: one org of each size on raw workerd. Registrations are timed in turn, one in each org, so that a
 * busy moment hits all alike. The client shares the processors; read the ratios first.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "10,100,1000,10000" },
    registrations: { type: "string", default: "200" },
    changes: { type: "string", default: "31" },
    streams: { type: "string", default: "1000" },
  },
});
const sizes = values.sizes.split(",").map(Number);
const mostStreams = Number(values.streams);
/** Streams are opened this many at a time. */
const LANES = 8;
/** Longer than what the org calls a burst: each change here comes alone. */
const BETWEEN_CHANGES_MS = 150;
const DAY_MS = 86_400_000;

interface Streams {
  readonly size: number;
  readonly count: number;
  readonly openedMs: number;
  readonly mapBytes: number;
  readonly deliveries: readonly Delivery[];
  /** Processor time of workerd for one change at all streams. */
  readonly cpuMsEach: number;
  readonly residentMib: number;
  readonly idleHour: IdleHour | undefined;
}

console.log(cpuText());
const clock = { now: 0 };
const bindings = {
  ...await makeWorkerSecrets(),
  ZTNA_LIMITS: JSON.stringify({ register_per_ip: 0, register_per_key: 0, machine_quota: 1_000_000 }),
  ZTNA_TIMINGS: "{}",
};
const workerd = await startRawWorkerd(bindings, "tools/bench/fleet/worker.ts");
try {
  const emptyMib = residentMib();
  const fleets = await fillFleets();
  console.log(`workerd: ${emptyMib} MiB empty, ${residentMib()} MiB with all these machines registered`);
  showRegistrations(await timeRegistrations(fleets));
  const streams: Streams[] = [];
  for (const fleet of fleets) streams.push(await measureStreams(fleet));
  showStreams(streams);
  showIdleHours(streams);
} finally {
  await workerd.stop();
}

async function fillFleets(): Promise<Fleet[]> {
  const credentials = { email: "bench@example.com", password: randomBytes(12).toString("hex") };
  const { token } = await call(fetch, workerd.url, signup, credentials);
  const fleets: Fleet[] = [];
  for (const size of sizes) {
    const fleet = await Fleet.found(size, workerd.url, token);
    await fleet.fill();
    fleets.push(fleet);
  }
  return fleets;
}

async function timeRegistrations(fleets: readonly Fleet[]): Promise<Map<number, number[]>> {
  const times = new Map<number, number[]>(fleets.map(({ size }) => [size, []]));
  for (let round = 0; round < Number(values.registrations) + 10; round++) {
    for (const fleet of fleets) {
      const ms = await fleet.timeOneMore();
      if (round >= 10) times.get(fleet.size)!.push(ms);
    }
  }
  return times;
}

async function measureStreams(fleet: Fleet): Promise<Streams> {
  const enrolled = fleet.machines.slice(0, mostStreams);
  const started = performance.now();
  const machines = await inTurn(
    enrolled,
    LANES,
    (one) => SimulatedMachine.open(workerd.url, one, "192.0.2.1:41641", () => clock.now),
  );
  const openedMs = performance.now() - started;
  const deliveries: Delivery[] = [];
  const cpuBefore = cpuMs();
  for (let round = 0; round < Number(values.changes) + 3; round++) {
    const delivery = await deliver(machines, `192.0.2.1:${20_000 + round}`);
    if (round >= 3) deliveries.push(delivery);
    await setTimeout(BETWEEN_CHANGES_MS);
  }
  const cpuMsEach = (cpuMs() - cpuBefore) / (deliveries.length + 3);
  const mapBytes = Math.max(...machines.map((machine) => machine.mapBytes));
  const resident = residentMib();
  const idleHour = fleet.size <= mostStreams ? await passIdleHour(workerd.url, fleet.tag, machines, clock) : undefined;
  await Promise.all(machines.map((machine) => machine.close()));
  const { size } = fleet;
  return { size, count: machines.length, openedMs, mapBytes, deliveries, cpuMsEach, residentMib: resident, idleHour };
}

function showRegistrations(times: Map<number, number[]>): void {
  const base = middle(times.get(sizes[0]!)!);
  console.log("\none machine more        p50 ms   p99 ms   p50 / that of the smallest");
  for (const [size, all] of times) {
    const cells = [percentile(all, 50), percentile(all, 99)].map((ms) => ms.toFixed(2).padStart(8));
    console.log(`  in an org of ${pad(size, 6)}  ${cells.join(" ")}   ${(middle(all) / base).toFixed(2)}`);
  }
  const ratio = middle(times.get(sizes.at(-1)!)!) / base;
  goal(`registration at ${sizes.at(-1)} / at ${sizes[0]}`, ratio.toFixed(2), "at most 1.3", ratio <= 1.3);
}

function showStreams(all: readonly Streams[]): void {
  console.log(
    "\norg      streams  opened in s   whole map, bytes   change: median ms  last ms   bytes   CPU ms   workerd MiB",
  );
  for (const { size, count, openedMs, mapBytes, deliveries, cpuMsEach, residentMib } of all) {
    const cells = [
      pad(size, 6),
      pad(count, 9),
      (openedMs / 1000).toFixed(1).padStart(12),
      pad(mapBytes, 18),
      middle(deliveries.map(({ medianMs }) => medianMs)).toFixed(1).padStart(19),
      middle(deliveries.map(({ lastMs }) => lastMs)).toFixed(1).padStart(8),
      middle(deliveries.map(({ bytesEach }) => bytesEach)).toFixed(0).padStart(7),
      cpuMsEach.toFixed(1).padStart(8),
      pad(residentMib, 13),
    ];
    console.log(cells.join(" "));
  }
  const largest = all.filter(({ count }) => count === mostStreams);
  for (const { size, deliveries } of largest) {
    const ms = middle(deliveries.map(({ lastMs }) => lastMs));
    goal(`change at the last of ${mostStreams} streams, org of ${size}`, `${ms.toFixed(1)} ms`, "under 60 ms", ms < 60);
  }
  const [first, last] = [all[0]!, all.at(-1)!].map(({ deliveries }) => middle(deliveries.map((one) => one.bytesEach)));
  const ratio = last! / first!;
  goal(`bytes per change at ${sizes.at(-1)} / at ${sizes[0]}`, ratio.toFixed(3), "1, digits aside", ratio < 1.05);
}

function showIdleHours(all: readonly Streams[]): void {
  console.log(
    "\nan idle hour   keep-alives   sent by agents   requests   alarms   rows written   next alarm, days   (of the whole org)",
  );
  const hours = all.flatMap(({ size, idleHour }) => idleHour === undefined ? [] : [{ size, ...idleHour }]);
  for (const { size, keepAlives, sentByAgents, requests, alarms, rowsWritten, nextAlarmInMs } of hours) {
    const cells = [
      pad(keepAlives, 14),
      pad(sentByAgents, 16),
      pad(requests, 10),
      pad(alarms, 8),
      pad(rowsWritten, 14),
      (nextAlarmInMs / DAY_MS).toFixed(1).padStart(18),
    ];
    console.log(`  org of ${pad(size, 5)} ${cells.join(" ")}`);
  }
  const total = (of: (hour: IdleHour) => number) => hours.reduce((sum, hour) => sum + of(hour), 0);
  const costs = {
    "requests and messages": total((hour) => hour.requests + hour.sentByAgents),
    alarms: total((hour) => hour.alarms),
    "row writes": total((hour) => hour.rowsWritten),
  };
  for (const [what, count] of Object.entries(costs)) {
    goal(`${what} in an idle hour of all these orgs`, String(count), "0", count === 0);
  }
}

function goal(what: string, reached: string, wanted: string, isReached: boolean): void {
  console.log(`=> ${what}: ${reached} (goal: ${wanted}; ${isReached ? "reached" : "MISSED"})`);
  if (!isReached) process.exitCode = 1;
}

function middle(values: readonly number[]): number {
  return percentile(values, 50);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]!;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}
