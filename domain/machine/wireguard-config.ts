/** The machine that is to run WireGuard by itself. */
export interface ConfigSelf {
  readonly name: string;
  readonly tailnetIp: string;
  /** Base64; undefined where it is not known, because keys never leave their machine. */
  readonly privateKey: string | undefined;
}

/** A machine it reaches. */
export interface ConfigPeer {
  readonly name: string;
  readonly publicKey: string;
  /** Its own address and its approved routes, as prefixes. */
  readonly allowedIps: readonly string[];
  /** Where it may be found, the best first; the first that has the form of one is taken. */
  readonly endpoints: readonly string[];
}

const KEEPALIVE_S = 25;
/** Where MagicDNS answers inside the tailnet. */
const RESOLVER = "100.100.100.100";

/** A configuration for `wg-quick` (contract 12.2). */
export function wireGuardConfig({ name, tailnetIp, privateKey }: ConfigSelf, peers: readonly ConfigPeer[]): string {
  const own = [
    "[Interface]",
    privateKey === undefined
      ? `# PrivateKey = (it stays on ${oneLine(name)}: put it here)`
      : `PrivateKey = ${privateKey}`,
    `Address = ${tailnetIp}/32`,
    `DNS = ${RESOLVER}`,
  ];
  return [own, ...peers.map(peerSection)].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function peerSection({ name, publicKey, allowedIps, endpoints }: ConfigPeer): string[] {
  const endpoint = endpoints.find(isEndpoint);
  return [
    "[Peer]",
    `# ${oneLine(name)}`,
    `PublicKey = ${oneLine(publicKey)}`,
    `AllowedIPs = ${oneLine(allowedIps.join(", "))}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    `PersistentKeepalive = ${KEEPALIVE_S}`,
  ];
}

/** Endpoints are what another machine says of itself, and `wg-quick` runs commands of its file as root. */
function isEndpoint(text: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/i.test(text);
}

/** What somebody else wrote must not start a line of its own. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?");
}
