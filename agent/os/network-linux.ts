import { Errno, errnoText } from "./ffi/errno-linux.ts";
import { libc } from "./ffi/libc-linux.ts";
import {
  addressPart,
  IFA_ADDRESS,
  IFA_F_NODAD,
  IFA_LOCAL,
  IFF_UP,
  IFLA_MTU,
  linkPart,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  routePart,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTA_DST,
  RTA_OIF,
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  u32,
} from "./ffi/netlink-linux.ts";
import { type Network, type NetworkConfig, type NetworkPrefix, NetworkRefused } from "./network.ts";
import { missing, prefixText } from "./prefix-list.ts";
import { Rtnetlink } from "./rtnetlink.ts";

/** Sets addresses, MTU and routes by rtnetlink(7). The kernel forgets all of it when the TUN goes. */
export class LinuxNetwork implements Network {
  readonly #name: string;
  readonly #index: number;
  readonly #netlink: Rtnetlink;
  #addresses: readonly NetworkPrefix[] = [];
  #routes: readonly NetworkPrefix[] = [];

  /** Throws `NetworkRefused` when there is no interface of this name. */
  constructor(interfaceName: string) {
    this.#name = interfaceName;
    this.#index = libc.if_nametoindex(new TextEncoder().encode(`${interfaceName}\0`));
    if (this.#index === 0) throw new NetworkRefused(`There is no interface ${interfaceName}.`);
    this.#netlink = new Rtnetlink();
  }

  apply(config: NetworkConfig): void {
    this.#demand(`set the MTU of ${this.#name} to ${config.mtuBytes} and bring it up`, {
      type: RTM_NEWLINK,
      flags: 0,
      fixed: linkPart(this.#index, IFF_UP, IFF_UP),
      attributes: [[IFLA_MTU, u32(config.mtuBytes)]],
    });
    for (const route of missing(this.#routes, config.routes)) this.#netlink.request(this.#route(RTM_DELROUTE, route));
    for (const own of missing(this.#addresses, config.addresses)) {
      this.#netlink.request(this.#address(RTM_DELADDR, own));
    }
    for (const own of missing(config.addresses, this.#addresses)) {
      this.#demand(`give ${this.#name} the address ${prefixText(own)}`, this.#address(RTM_NEWADDR, own));
    }
    this.#addresses = config.addresses;
    // The kernel takes routes away with the last address they could be sent from, so all are asked for again.
    for (const route of config.routes) this.#addRoute(route, !missing([route], this.#routes).length);
    this.#routes = config.routes;
  }

  close(): void {
    for (const route of this.#routes) this.#netlink.request(this.#route(RTM_DELROUTE, route));
    for (const own of this.#addresses) this.#netlink.request(this.#address(RTM_DELADDR, own));
    this.#routes = this.#addresses = [];
    this.#netlink.close();
  }

  #addRoute(route: NetworkPrefix, ours: boolean): void {
    const what = `route ${prefixText({ ...route, address: masked(route.address, route.bits) })} to ${this.#name}`;
    this.#demand(what, this.#route(RTM_NEWROUTE, route), ours ? [Errno.EEXIST] : []);
  }

  #address(type: number, { address, bits }: NetworkPrefix): NetlinkRequest {
    const fixed = addressPart(familyOf(address), bits, address.length === 16 ? IFA_F_NODAD : 0, this.#index);
    const flags = type === RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
    return { type, flags, fixed, attributes: [[IFA_LOCAL, address], [IFA_ADDRESS, address]] };
  }

  #route(type: number, { address, bits }: NetworkPrefix): NetlinkRequest {
    const fixed = routePart(familyOf(address), bits, address.length === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    const flags = type === RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
    return { type, flags, fixed, attributes: [[RTA_DST, masked(address, bits)], [RTA_OIF, u32(this.#index)]] };
  }

  #demand(what: string, request: NetlinkRequest, harmless: readonly number[] = []): void {
    const error = this.#netlink.request(request);
    if (error === 0 || harmless.includes(error)) return;
    throw new NetworkRefused(`Cannot ${what}: ${reasons[error] ?? errnoText(error)}.`);
  }
}

const AF_INET = 2;
const AF_INET6 = 10;

const reasons: Readonly<Record<number, string>> = {
  [Errno.EPERM]: "operation not permitted (run as root or with CAP_NET_ADMIN)",
  [Errno.EEXIST]: "it is in use by another interface",
  [Errno.ENODEV]: "the interface is gone",
};

function familyOf(address: Uint8Array): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

/** Those of `wanted` that are not among `present`. */
function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))));
}
