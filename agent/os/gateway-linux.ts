import { type Gateway, type GatewayConfig, GatewayRefused } from "./gateway.ts";
import type { NetworkPrefix } from "./network.ts";

const TABLE = "ip ztna_gateway";
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

/**
 * IP forwarding with one nftables table of our own: from the tunnel to approved prefixes only, under this host's address.
 * Firewalls of the host may still drop it. Forwarding stays on when it ends: others may count on it.
 */
export class LinuxGateway implements Gateway {
  readonly #interfaceName: string;

  /** Throws `GatewayRefused` where it could not work. */
  constructor(interfaceName: string) {
    this.#interfaceName = interfaceName;
    nft(WITHOUT_TABLE);
  }

  apply(config: GatewayConfig): void {
    if (config.routes.length === 0) return this.close();
    nft(rulesOf(this.#interfaceName, config));
    run("sh", ["-c", `[ "$(cat ${FORWARDING})" = 1 ] || echo 1 > ${FORWARDING}`], "Cannot turn on IP forwarding");
  }

  close(): void {
    nft(WITHOUT_TABLE);
  }
}

/** Adding it first makes taking it away right in either case. */
const WITHOUT_TABLE = `add table ${TABLE}; delete table ${TABLE}`;

/** One transaction: at no moment are there other rules than the old or the new ones. */
export function rulesOf(interfaceName: string, { pool, routes }: GatewayConfig): string {
  const [tunnel, inside] = [`"${interfaceName}"`, `{ ${routes.map(textOf).join(", ")} }`];
  return `${WITHOUT_TABLE}
table ${TABLE} {
  chain forward {
    type filter hook forward priority filter
    iifname ${tunnel} ct state established,related accept
    iifname ${tunnel} ip daddr ${inside} accept
    iifname ${tunnel} drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr ${textOf(pool)} ip daddr ${inside} masquerade
  }
}`;
}

function textOf({ address, bits }: NetworkPrefix): string {
  return `${address.join(".")}/${bits}`;
}

function nft(rules: string): void {
  run("nft", [rules], "Cannot set the rules of a gateway");
}

function run(program: string, args: readonly string[], what: string): void {
  try {
    const { code, stderr } = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "piped" })
      .outputSync();
    if (code === 0) return;
    const [why = ""] = new TextDecoder().decode(stderr).trim().split("\n");
    throw new GatewayRefused(`${what}: ${why === "" ? `${program} ends with ${code}` : why}`);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new GatewayRefused(`A gateway needs the program ${program} (Debian: nftables). Install it and try again`, {
      cause,
    });
  }
}
