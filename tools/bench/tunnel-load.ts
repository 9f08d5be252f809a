import { readFileSync } from "node:fs";
import type { TunnelPair } from "./tunnel-pair.ts";

/** What one load showed: its own figure, and what both tunnel programs spent for a delivered Gbit. */
export interface Measured {
  readonly value: number;
  readonly cpuSecondsPerGbit?: number;
}

export interface TunnelLoad {
  readonly name: string;
  readonly unit: string;
  /** True when the higher figure is the better one. */
  readonly more: boolean;
  run(pair: TunnelPair, seconds: number): Promise<Measured>;
}

interface Sum {
  readonly bits_per_second: number;
  readonly bytes: number;
  readonly packets?: number;
  readonly lost_percent?: number;
}

interface Report {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: Sum;
    readonly sum?: Sum;
    readonly sum_received_bidir_reverse?: Sum;
  };
}

export const tunnelLoads: readonly TunnelLoad[] = [
  tcp("TCP, 1 stream", []),
  tcp("TCP, 4 streams", ["-P", "4"]),
  tcp("TCP, reverse", ["-R"]),
  tcp("TCP, both ways", ["--bidir"]),
  flood("UDP 172 bytes", 172, "1G"),
  flood("UDP 1372 bytes", 1372, "2G"),
  {
    name: "UDP 300 Mbit/s, lost",
    unit: "%",
    more: false,
    run: async (pair, seconds) => {
      const { end, cpu } = await iperf(pair, ["-u", "-l", "1372", "-b", "300M", "-w", `${socketBytes()}`], seconds);
      const sum = received(end);
      return { value: sum.lost_percent ?? 100, cpuSecondsPerGbit: perGbit(cpu, deliveredBytes(sum)) };
    },
  },
  {
    name: "TCP, 1 stream, under 20,000 handshakes/s",
    unit: "% of the same flood beside the tunnel",
    more: true,
    run: async (pair, seconds) => {
      if (pair.carrier.kind === "veth") return { value: 100 };
      const under = async (target: "tunnel" | "nobody") => {
        const flood = pair.floodHandshakes(target, seconds + FLOOD_LEAD_S);
        await new Promise((resolve) => setTimeout(resolve, FLOOD_LEAD_S * 1000));
        const { end } = await iperf(pair, [], seconds);
        await flood;
        return received(end).bits_per_second;
      };
      const beside = await under("nobody");
      return { value: (100 * await under("tunnel")) / beside };
    },
  },
  {
    name: "ping, idle",
    unit: "ms",
    more: false,
    run: async (pair) => ({ value: await pingMs(pair, 200) }),
  },
  {
    name: "ping under TCP load",
    unit: "ms",
    more: false,
    run: async (pair, seconds) => {
      const load = iperf(pair, [], seconds);
      const value = await pingMs(pair, Math.floor((seconds - 0.5) * 100), 10);
      await load;
      return { value };
    },
  },
];

const MOST_SOCKET_BYTES = 2 ** 20;

/** iperf3's own buffer: with the usual one the bare veth loses packets whenever its receiver waits for a processor. */
function socketBytes(): number {
  const allowed = ["rmem_max", "wmem_max"].map((name) => Number(readFileSync(`/proc/sys/net/core/${name}`, "utf8")));
  return Math.min(MOST_SOCKET_BYTES, ...allowed);
}

/** Until the flood is at its rate. */
const FLOOD_LEAD_S = 2;

function tcp(name: string, args: readonly string[]): TunnelLoad {
  return {
    name,
    unit: "Gbit/s",
    more: true,
    run: async (pair, seconds) => {
      const { end, cpu } = await iperf(pair, args, seconds);
      const sums = [end.sum_received, end.sum_received_bidir_reverse].filter((sum) => sum !== undefined);
      const bits = sums.reduce((sum, { bits_per_second }) => sum + bits_per_second, 0);
      return { value: bits / 1e9, cpuSecondsPerGbit: perGbit(cpu, sums.reduce((sum, { bytes }) => sum + bytes, 0)) };
    },
  };
}

/** More than any tunnel carries: what arrives is its packet rate. */
function flood(name: string, bytes: number, rate: string): TunnelLoad {
  return {
    name,
    unit: "kpackets/s",
    more: true,
    run: async (pair, seconds) => {
      const { end, cpu } = await iperf(pair, ["-u", "-l", `${bytes}`, "-b", rate], seconds);
      const sum = received(end);
      const delivered = (sum.packets ?? 0) * (1 - (sum.lost_percent ?? 0) / 100);
      return { value: delivered / seconds / 1000, cpuSecondsPerGbit: perGbit(cpu, deliveredBytes(sum)) };
    },
  };
}

async function iperf(
  pair: TunnelPair,
  args: readonly string[],
  seconds: number,
): Promise<{ end: Report["end"]; cpu: number }> {
  const before = pair.cpuSeconds();
  const output = await pair.run(["iperf3", "-J", "-c", pair.target, "-t", `${seconds}`, ...args]);
  const cpu = pair.cpuSeconds() - before;
  const report = JSON.parse(output) as Report;
  if (report.error !== undefined) throw new Error(`iperf3: ${report.error}`);
  return { end: report.end, cpu };
}

function received({ sum_received, sum }: Report["end"]): Sum {
  const found = sum ?? sum_received;
  if (found === undefined) throw new Error("iperf3 reported no sum");
  return found;
}

function deliveredBytes({ bytes, lost_percent }: Sum): number {
  return bytes * (1 - (lost_percent ?? 0) / 100);
}

function perGbit(cpuSeconds: number, bytes: number): number {
  return bytes === 0 ? Infinity : cpuSeconds / (bytes * 8 / 1e9);
}

async function pingMs(pair: TunnelPair, count: number, gapMs = 5): Promise<number> {
  const output = await pair.run(["ping", "-q", "-c", `${count}`, "-i", `${gapMs / 1000}`, pair.target]);
  return Number(/= [\d.]+\/([\d.]+)\//.exec(output)?.[1] ?? Infinity);
}
