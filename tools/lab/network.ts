import { execFileSync } from "node:child_process";
import { Host } from "./host.ts";
import { endProcess, processesOn } from "./processes.ts";

/**
 * Hosts on one Ethernet switch, all of it in namespaces; nothing reaches the machine's own network.
 *
 *        <prefix>sw: bridge br0, nft table that can drop UDP
 *        |p0         |p1         |p2       ...
 *     eth0 .1     eth0 .2     eth0 .3       10.77.0.0/24
 */
export class Network {
  readonly #switch: string;
  readonly #hosts: Host[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#switch = `${prefix}sw`;
    ip("netns", "add", this.#switch);
    this.#inSwitch("ip", "link", "add", "br0", "type", "bridge");
    this.#inSwitch("ip", "link", "set", "br0", "up");
  }

  add(name: string): Host {
    const index = this.#hosts.length;
    const namespace = `${this.#prefix}${index}`;
    const host = new Host(namespace, name, `10.77.0.${index + 1}`);
    this.#hosts.push(host);
    ip("netns", "add", namespace);
    const [port, peer] = [`p${index}`, ["peer", "name", "eth0", "netns", namespace]];
    ip("link", "add", port, "netns", this.#switch, "type", "veth", ...peer);
    this.#inSwitch("ip", "link", "set", port, "master", "br0", "up");
    for (const args of [["addr", "add", `${host.address}/24`, "dev", "eth0"], ["link", "set", "eth0", "up"]]) {
      ip("-n", namespace, ...args);
    }
    ip("-n", namespace, "link", "set", "lo", "up");
    return host;
  }

  /** Drops every UDP datagram between hosts, so that only the relay is left. */
  blockUdp(): void {
    this.#nft(
      "table bridge t { chain c { type filter hook forward priority 0; ip protocol udp drop; ip6 nexthdr udp drop; }; }",
    );
  }

  allowUdp(): void {
    this.#nft("delete table bridge t");
  }

  /** Cuts a host from everybody, as a pulled cable does, or joins it again. */
  plug(host: Host, state: "up" | "down"): void {
    this.#inSwitch("ip", "link", "set", `p${this.#hosts.indexOf(host)}`, state);
  }

  /** Ends what a test that failed has left running on its hosts as well. */
  remove(): void {
    for (const host of this.#hosts) {
      processesOn(host).forEach(endProcess);
      ip("netns", "del", host.namespace);
      host.remove();
    }
    ip("netns", "del", this.#switch);
  }

  #nft(rules: string): void {
    execFileSync("ip", ["netns", "exec", this.#switch, "nft", "-f", "-"], { input: `${rules}\n` });
  }

  #inSwitch(command: string, ...args: string[]): void {
    ip("netns", "exec", this.#switch, command, ...args);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
