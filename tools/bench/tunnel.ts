import process from "node:process";
import { parseArgs } from "node:util";
import { prepare } from "../test/prepare.ts";
import { cpuText } from "./cpu.ts";
import { type Measured, type TunnelLoad, tunnelLoads } from "./tunnel-load.ts";
import { type Carrier, TunnelPair } from "./tunnel-pair.ts";

/**
 * `npm run bench:tunnel` (root): our agent with each engine, wireguard-go and the bare veth, each between two namespaces,
 * under the same loads in turn. All ends and iperf3 share the processors; read the ratios, not the rates.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    engines: { type: "string", default: "best,wasm" },
    /** Part of a load's name. */
    only: { type: "string", default: "" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const loads = tunnelLoads.filter(({ name }) => name.includes(values.only));
const carriers: Carrier[] = [
  ...values.engines.split(",").map((engine): Carrier => ({
    kind: "ztna",
    engine: engine === "best" ? undefined : engine,
  })),
  { kind: "wireguard-go" },
  { kind: "veth" },
];

type Results = Map<string, Measured[]>;

await prepare("bench:tunnel", { programs: ["ip", "iperf3", "ping", "wg", "wireguard-go"], root: true });
const pairs: TunnelPair[] = [];
const close = () => Promise.all(pairs.map((pair) => pair.close()));
// Namespaces outlive the program that made them.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void close().finally(() => process.exit(signal === "SIGINT" ? 130 : 143)));
}
try {
  for (const [index, carrier] of carriers.entries()) {
    pairs.push(await TunnelPair.open(carrier, `tb${process.pid % 10_000}${index}`));
  }
  showMachine();
  for (const load of loads) show(load, await measure(load));
  showMemory();
} finally {
  await close();
}

/** Every carrier once a round, so that a busy minute hits all alike. */
async function measure(load: TunnelLoad): Promise<Results> {
  const results: Results = new Map(pairs.map(({ carrier }) => [nameOf(carrier), []]));
  for (let round = 0; round < rounds; round++) {
    for (const pair of pairs) results.get(nameOf(pair.carrier))!.push(await load.run(pair, seconds));
  }
  return results;
}

function show(load: TunnelLoad, results: Results): void {
  const of = (name: string) => median(results.get(name)!.map(({ value }) => value));
  const cpuOf = (name: string) => median(results.get(name)!.map(({ cpuSecondsPerGbit }) => cpuSecondsPerGbit ?? NaN));
  const base = nameOf({ kind: "wireguard-go" });
  console.log(`\n${load.name} (${load.unit}, ${load.more ? "more" : "less"} is better)`);
  for (const name of results.keys()) {
    const cpu = Number.isNaN(cpuOf(name)) || cpuOf(name) === 0
      ? ""
      : `   CPU s/Gbit ${cpuOf(name).toFixed(3)} = ${ratio(cpuOf(name), cpuOf(base))} x`;
    console.log(`  ${name.padEnd(18)} ${of(name).toFixed(3).padStart(9)} = ${ratio(of(name), of(base))} x${cpu}`);
  }
}

function showMemory(): void {
  console.log("\nPeak memory of the larger end (MiB)");
  for (const pair of pairs) {
    if (pair.carrier.kind !== "veth") {
      console.log(`  ${nameOf(pair.carrier).padEnd(18)} ${pair.peakMebibytes().toFixed(0).padStart(9)}`);
    }
  }
}

function showMachine(): void {
  console.log(`${cpuText()}\n${rounds} rounds of ${seconds} s, medians; x = ratio to wireguard-go`);
}

function nameOf(carrier: Carrier): string {
  return carrier.kind === "ztna" ? `ztna, ${carrier.engine ?? "best"}` : carrier.kind;
}

function ratio(value: number, base: number): string {
  return (value / base).toFixed(2).padStart(6);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
