import { WindowsError } from "./ffi/errors-windows.ts";
import {
  AddressRow,
  AF_INET,
  AF_INET6,
  DAD_PREFERRED,
  InterfaceRow,
  type IpHelper,
  RouteRow,
  writeSockaddr,
} from "./ffi/iphlpapi-windows.ts";
import { type Network, type NetworkConfig, type NetworkPrefix, NetworkRefused } from "./network.ts";
import { missing, prefixText } from "./prefix-list.ts";

export interface WindowsNetworkOptions {
  readonly name: string;
  /** Of the interface. */
  readonly luid: bigint;
  readonly ipHelper: IpHelper;
}

/** Sets addresses, MTU and routes by the IP Helper. Windows forgets all of it when the adapter goes. */
export class WindowsNetwork implements Network {
  readonly #options: WindowsNetworkOptions;
  #addresses: readonly NetworkPrefix[] = [];
  #routes: readonly NetworkPrefix[] = [];

  constructor(options: WindowsNetworkOptions) {
    this.#options = options;
  }

  apply(config: NetworkConfig): void {
    const { ipHelper, name } = this.#options;
    for (const family of [AF_INET, AF_INET6]) this.#setInterface(family, config.mtuBytes);
    for (const route of missing(this.#routes, config.routes)) ipHelper.DeleteIpForwardEntry2(this.#routeRow(route));
    for (const own of missing(this.#addresses, config.addresses)) {
      ipHelper.DeleteUnicastIpAddressEntry(this.#addressRow(own));
    }
    for (const own of missing(config.addresses, this.#addresses)) {
      const error = ipHelper.CreateUnicastIpAddressEntry(this.#addressRow(own));
      this.#demand(error, `give ${name} the address ${prefixText(own)}`);
    }
    this.#addresses = config.addresses;
    for (const route of missing(config.routes, this.#routes)) {
      const error = ipHelper.CreateIpForwardEntry2(this.#routeRow(route));
      this.#demand(error, `route ${prefixText(route)} to ${name}`);
    }
    this.#routes = config.routes;
  }

  close(): void {
    const { ipHelper } = this.#options;
    for (const route of this.#routes) ipHelper.DeleteIpForwardEntry2(this.#routeRow(route));
    for (const own of this.#addresses) {
      ipHelper.DeleteUnicastIpAddressEntry(this.#addressRow(own));
    }
    this.#routes = this.#addresses = [];
  }

  /** A machine without one of the families has no such interface: then there is nothing to set. */
  #setInterface(family: number, mtuBytes: number): void {
    const { ipHelper, luid, name } = this.#options;
    const row = new Uint8Array(InterfaceRow.bytes);
    const view = new DataView(row.buffer);
    ipHelper.InitializeIpInterfaceEntry(row);
    view.setUint16(InterfaceRow.family, family, true);
    view.setBigUint64(InterfaceRow.luid, luid, true);
    const found = ipHelper.GetIpInterfaceEntry(row);
    if (found === WindowsError.notFound) return;
    this.#demand(found, `read the settings of ${name}`);
    // Windows refuses the value it gives for IPv4.
    if (family === AF_INET) view.setUint32(InterfaceRow.sitePrefixLength, 0, true);
    row[InterfaceRow.useAutomaticMetric] = 0;
    view.setUint32(InterfaceRow.metric, 0, true);
    view.setUint32(InterfaceRow.mtu, mtuBytes, true);
    this.#demand(ipHelper.SetIpInterfaceEntry(row), `set the MTU of ${name} to ${mtuBytes}`);
  }

  #addressRow({ address, bits }: NetworkPrefix): Uint8Array<ArrayBuffer> {
    const { ipHelper, luid } = this.#options;
    const row = new Uint8Array(AddressRow.bytes);
    const view = new DataView(row.buffer);
    ipHelper.InitializeUnicastIpAddressEntry(row);
    writeSockaddr(row, AddressRow.address, address);
    view.setBigUint64(AddressRow.luid, luid, true);
    row[AddressRow.prefixLength] = bits;
    view.setUint32(AddressRow.dadState, DAD_PREFERRED, true);
    return row;
  }

  /** On-link: the next hop is an address of zeroes. */
  #routeRow({ address, bits }: NetworkPrefix): Uint8Array<ArrayBuffer> {
    const { ipHelper, luid } = this.#options;
    const row = new Uint8Array(RouteRow.bytes);
    const view = new DataView(row.buffer);
    ipHelper.InitializeIpForwardEntry(row);
    view.setBigUint64(RouteRow.luid, luid, true);
    writeSockaddr(row, RouteRow.prefix, address);
    row[RouteRow.prefixLength] = bits;
    writeSockaddr(row, RouteRow.nextHop, new Uint8Array(address.length));
    view.setUint32(RouteRow.metric, 0, true);
    return row;
  }

  #demand(error: number, what: string): void {
    if (error === WindowsError.none || error === WindowsError.objectAlreadyExists) return;
    throw new NetworkRefused(`Cannot ${what}: Windows error ${error}.`);
  }
}
