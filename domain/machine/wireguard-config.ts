import type { Peer } from "#protocol/netmap.ts";

/** What stands for the private key where only the machine itself has it; `wg-quick` refuses it. */
export const OWN_PRIVATE_KEY = "<private key of this machine>";

const RESOLVER = "100.100.100.100";

export interface WireGuardConfig {
  readonly address: string;
  /** Base64, or empty when it is not ours to know. */
  readonly privateKey: string;
  readonly peers: readonly Peer[];
}

/** The text of a `wg-quick` configuration: a peer for every machine that is online and has a key. */
export function wireGuardConfig({ address, privateKey, peers }: WireGuardConfig): string {
  const own = [
    "[Interface]",
    `PrivateKey = ${privateKey === "" ? OWN_PRIVATE_KEY : privateKey}`,
    `Address = ${address}/32`,
    `DNS = ${RESOLVER}`,
  ];
  const sections = [own, ...peers.filter((peer) => peer.online && peer.public_key !== "").map(peerSection)];
  return sections.map((lines) => lines.join("\n") + "\n").join("\n");
}

function peerSection(peer: Peer): string[] {
  const endpoint = peer.endpoints.find(isEndpoint);
  return [
    "[Peer]",
    `# ${peer.name}`,
    `PublicKey = ${peer.public_key}`,
    `AllowedIPs = ${peer.allowed_ips.join(", ")}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    "PersistentKeepalive = 25",
  ];
}

/** Endpoints are what another machine says of itself, and `wg-quick` runs commands of its file as root. */
function isEndpoint(text: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/i.test(text);
}
