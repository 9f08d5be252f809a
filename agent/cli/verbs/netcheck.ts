import type { NetCheck } from "#protocol/local/net-check.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { plain, print, printJson } from "../output.ts";

export const addNetcheck: AddVerb = (program, agent) => {
  program.command("netcheck")
    .description("look at the network this machine is in, and how far the relays are")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna netcheck", "ztna netcheck --json | jq -r .nearest_derp"))
    .action(async ({ json }, command) => {
      if (json !== true) print("Running network diagnostics...");
      const found = await agent.checkNetwork(globalFlags(command));
      return json === true ? printJson(found) : print(formatNetCheck(found));
    });
};

export function formatNetCheck(check: NetCheck): string {
  const of = (isIpv6: boolean) => check.local_endpoints.find((one) => one.startsWith("[") === isIpv6);
  const nearest = check.derp_regions.find(({ region_code }) => region_code === check.nearest_derp);
  return [
    "Report",
    "======",
    `UDP: ${check.udp}`,
    `IPv4: ${check.ipv4 ? `yes, ${publicAddress(check) ?? `${of(false)} ${LOCAL}`}` : "no"}`,
    `IPv6: ${check.ipv6 ? `yes, ${of(true)} ${LOCAL}` : "no"}`,
    `Nearest DERP: ${
      nearest === undefined ? "none answers" : `${nearest.region_code} (${plain(nearest.region_name)})`
    }`,
    `STUN: ${stunText(check)}`,
    ...(check.control_problem === null ? [] : [`Control plane: ${plain(check.control_problem)}`]),
    ...latencies(check),
  ].join("\n");
}

const LOCAL = "(on its own network; the public address is not known without STUN)";

function publicAddress({ public_ip, public_port }: NetCheck): string | undefined {
  return public_ip === null ? undefined : `${public_ip}:${public_port}`;
}

function stunText({ stun_status, stun_server }: NetCheck): string {
  if (stun_status === "ok") return `ok (${stun_server})`;
  return stun_status === "no answer" ? "error (no answer: UDP may be blocked)" : stun_status;
}

function latencies({ derp_regions }: NetCheck): string[] {
  if (derp_regions.length === 0) return [];
  return [
    "",
    "DERP latency:",
    ...derp_regions.map(({ region_code, region_name, latency_ms }) =>
      `  ${region_code}: ${latency_ms === null ? "no answer" : `${latency_ms}ms`} (${plain(region_name)})`
    ),
  ];
}
