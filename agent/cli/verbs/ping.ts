import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { ResponseOf } from "#protocol/api/endpoint.ts";
import type { localPing } from "#protocol/local/daemon.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { durationUpTo } from "../duration.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { plain, print, printJson } from "../output.ts";

type Probe = ResponseOf<typeof localPing>;

const PAUSE_MS = 1_000;

export const addPing: AddVerb = (program, agent) => {
  program.command("ping")
    .description("measure the latency to a peer through the tunnel")
    .argument("<peer>", "name or tailnet address")
    .option("-c, --count <n>", "number of probes", parseCount, 5)
    .addOption(
      new Option("-t, --timeout <duration>", "wait for each answer, such as 3s or 500ms")
        .argParser(durationUpTo("60s", "3s")).default(3_000, "3s"),
    )
    .option("--json", JSON_FORM)
    .addHelpText(
      "after",
      examples("ztna ping Linux-C", "ztna ping 100.64.0.3 --count 1 --timeout 500ms      fails when no answer comes"),
    )
    .action(async (peer, { count, timeout, json }, command) => {
      const flags = globalFlags(command);
      const probes: Probe[] = [];
      const say = (text: string) => json === true ? undefined : print(text);
      for (let i = 1; i <= count; i++) {
        const probe = await agent.ping(flags, peer, timeout);
        if (probe === undefined) throw new Failure(NOT_RUNNING);
        if (i === 1) say(`PING ${plain(peer)}`);
        probes.push(probe);
        say(`  probe ${i}: ${formatProbe(probe, timeout)}`);
        if (i < count) await new Promise((resolve) => setTimeout(resolve, probe.outcome === "reply" ? PAUSE_MS : 0));
      }
      if (json === true) printJson({ target: peer, probes });
      else print(formatSummary(probes));
      if (!probes.some(({ outcome }) => outcome === "reply")) throw new Failure("");
    });
};

export function formatProbe({ outcome, ms, via }: Probe, timeoutMs: number): string {
  if (outcome === "timeout") return `timeout (${timeoutMs % 1000 === 0 ? `${timeoutMs / 1000}s` : `${timeoutMs}ms`})`;
  return outcome === "unreachable" ? "unreachable" : `${formatMs(ms)} (${via})`;
}

export function formatSummary(probes: readonly Probe[]): string {
  const replies = probes.filter(({ outcome }) => outcome === "reply");
  const count = `${replies.length}/${probes.length} probes succeeded`;
  if (replies.length === 0) return `${count} — peer unreachable`;
  const average = replies.reduce((sum, { ms }) => sum + ms, 0) / replies.length;
  return `${count}, avg latency: ${formatMs(average)} (via tunnel)`;
}

function formatMs(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)}ms`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("It must be a whole number above 0");
  return count;
}
