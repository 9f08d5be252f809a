import { KEEPALIVE_MS, type SimulatedMachine } from "./machine.ts";
import type { Tally } from "./tally.ts";

/** What an hour in which nothing happens costs a whole org. */
export interface IdleHour extends Tally {
  /** Messages and heartbeats of all agents, keep-alives aside. */
  readonly sentByAgents: number;
  readonly keepAlives: number;
  /** How long after the hour the object will wake by itself; `Infinity` when it will not. */
  readonly nextAlarmInMs: number;
}

const HOUR_MS = 3_600_000;

/** Puts the clock on by an hour in steps of a keep-alive: the object's alarms ring, the sessions' timers run. */
export async function passIdleHour(
  url: string,
  tag: string,
  machines: readonly SimulatedMachine[],
  clock: { now: number },
): Promise<IdleHour> {
  let nextAlarmInMs = Infinity;
  const step = async () => {
    clock.now += KEEPALIVE_MS;
    nextAlarmInMs = await putOn(url, tag, KEEPALIVE_MS);
    await Promise.all(machines.map((machine) => machine.keepAlive()));
    for (const machine of machines) machine.passTime();
  };
  const sent = () => machines.reduce((sum, { messagesSent, heartbeats }) => sum + messagesSent + heartbeats, 0);
  // What the last changes left to do is not the idle hour's.
  for (let at = 0; at < 10; at++) await step();
  await readTally(url);
  const before = sent();
  const steps = HOUR_MS / KEEPALIVE_MS;
  for (let at = 0; at < steps; at++) await step();
  const tally = await readTally(url);
  return { ...tally, sentByAgents: sent() - before, keepAlives: steps * machines.length, nextAlarmInMs };
}

/** Answers when the object will next wake by itself. */
async function putOn(url: string, tag: string, ms: number): Promise<number> {
  const response = await fetch(`${url}/bench/put-on/${tag}/${ms}`, { method: "POST" });
  const { next_alarm_in_ms } = await response.json() as { next_alarm_in_ms: number | null };
  return next_alarm_in_ms ?? Infinity;
}

async function readTally(url: string): Promise<Tally> {
  const response = await fetch(`${url}/bench/read`, { method: "POST" });
  return await response.json() as Tally;
}
