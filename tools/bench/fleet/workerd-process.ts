import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { descendants, programOf } from "../../lab/processes.ts";

const msPerTick = 1000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Resident memory of the workerd below this process. */
export function residentMib(): number {
  const kib = pids().map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, "status"))![1]));
  return Math.round(sum(kib) / 1024);
}

/** Processor time it has used: unlike the clock, it does not run while others have the processors. */
export function cpuMs(): number {
  // The program's name in parentheses may hold anything; utime and stime are fields 14 and 15.
  const ticks = pids().flatMap((pid) => read(pid, "stat").split(") ").at(-1)!.split(" ").slice(11, 13).map(Number));
  return sum(ticks) * msPerTick;
}

function pids(): number[] {
  return descendants(process.pid).filter((pid) => programOf(pid) === "workerd");
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
