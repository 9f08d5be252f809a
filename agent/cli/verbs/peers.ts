import type { AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { plain, print, printJson, row } from "../output.ts";

export const addPeers: AddVerb = (program, agent) => {
  program.command("peers")
    .description("list the other machines of your organization, or show one")
    .argument("[name]", "name or tailnet address of one machine")
    .option("--active", "only machines that are online")
    .option("--json", JSON_FORM)
    .addHelpText("after", EXAMPLES)
    .action(async (name, { active, json }, command) => {
      const flags = globalFlags(command);
      const [status, all] = await Promise.all([agent.status(flags), agent.peers(flags)]);
      if (all === undefined) throw new Failure(NOT_RUNNING);
      const peers = shownPeers(all, active === true);
      if (name === undefined) return json === true ? printJson(peers) : print(formatPeers(status, peers));
      const peer = findPeer(peers, name);
      return json === true ? printJson(peer) : print(formatPeer(peer));
    });
};

const EXAMPLES = examples(
  "ztna peers --active            the machines that are online now",
  "ztna peers Linux-C             all about one",
  "ztna peers --json | jq -r '.[] | select(.path == \"relay\") | .name'",
);

export function shownPeers(peers: readonly AgentPeer[], active: boolean): readonly AgentPeer[] {
  return active ? peers.filter((peer) => peer.online) : peers;
}

export function findPeer(peers: readonly AgentPeer[], target: string): AgentPeer {
  const wanted = target.toLowerCase();
  const found = peers.find((peer) => peer.name.toLowerCase() === wanted || peer.tailnet_ip === target);
  if (found === undefined) throw new Failure(`no peer named ${plain(target)}. Run 'ztna peers' to list them`);
  return found;
}

const WIDTHS = [21, 17, 13, 9, 25];

export function formatPeers({ machine }: Pick<AgentStatus, "machine">, peers: readonly AgentPeer[]): string {
  const lines = machine === null ? [] : [`Machine: ${plain(machine.name)} (${machine.tailnet_ip})`];
  lines.push("Connection strategy: stun -> direct -> relay");
  if (peers.length === 0) return [...lines, "No peers."].join("\n");
  lines.push(row(WIDTHS, ["NAME", "TAILNET IP", "DERP REGION", "DIRECT?", "ROUTES", "ENDPOINT"]));
  for (const peer of peers) {
    lines.push(row(WIDTHS, [
      plain(peer.name),
      peer.tailnet_ip,
      peer.derp_region ?? NONE,
      peer.path,
      peer.routes.join(",") || NONE,
      peer.endpoint || NONE,
    ]));
  }
  return lines.join("\n");
}

export function formatPeer(peer: AgentPeer): string {
  const lines: [string, string][] = [
    ["Name", plain(peer.name)],
    ["Tailnet IP", peer.tailnet_ip],
    ["Public Key", peer.public_key],
    ["Endpoint", peer.endpoint || NONE],
    ["DERP Region", peer.derp_region ?? NONE],
    ["Reachable", String(peer.path !== "none" && peer.online)],
    ["Needs Relay", String(peer.path === "relay")],
    ["Direct EP", peer.path === "direct" ? peer.endpoint : NONE],
    ["Last Handshake", peer.last_handshake ?? NONE],
    ["Sent", `${peer.tx_bytes} bytes`],
    ["Received", `${peer.rx_bytes} bytes`],
  ];
  return lines.map(([label, value]) => `${label}:`.padEnd(17) + value).join("\n");
}

const NONE = "—";
