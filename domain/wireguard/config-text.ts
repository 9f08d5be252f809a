/** The machine that is to run WireGuard by itself. */
export interface ConfigSelf {
  readonly name: string;
  readonly tailnetIp: string;
  /** Base64; undefined for a machine whose key is not known here, because keys never leave their machine. */
  readonly privateKey: string | undefined;
}

/** A machine it reaches. */
export interface ConfigPeer {
  readonly name: string;
  readonly publicKey: string;
  readonly tailnetIp: string;
  readonly routes: readonly string[];
  /** `ip:port`, or undefined for one that must speak first. */
  readonly endpoint: string | undefined;
}

const KEEPALIVE_S = 25;
/** Where MagicDNS answers inside the tailnet. */
const DNS = "100.100.100.100";

/** A configuration for `wg-quick` (contract 12.2). */
export function wireGuardConfigText(self: ConfigSelf, peers: readonly ConfigPeer[]): string {
  const { name, tailnetIp, privateKey } = self;
  const head = [
    "[Interface]",
    privateKey === undefined
      ? `# PrivateKey = (it stays on ${oneLine(name)}: put it here)`
      : `PrivateKey = ${privateKey}`,
    `Address = ${tailnetIp}/32`,
    `DNS = ${DNS}`,
  ];
  return [head, ...peers.map(peerLines)].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function peerLines({ name, publicKey, tailnetIp, routes, endpoint }: ConfigPeer): string[] {
  return [
    "[Peer]",
    `# ${oneLine(name)}`,
    `PublicKey = ${publicKey}`,
    `AllowedIPs = ${[`${tailnetIp}/32`, ...routes].join(", ")}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    `PersistentKeepalive = ${KEEPALIVE_S}`,
  ];
}

/** A name must not start a line of its own. */
function oneLine(name: string): string {
  // deno-lint-ignore no-control-regex
  return name.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?");
}
