import type { NetworkPrefix } from "./network.ts";

/** An address of a network interface, as `Deno.networkInterfaces()` gives it. */
export interface InterfaceAddress {
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

export interface LocalEndpointsOptions {
  readonly port: number;
  /** Our own tunnel. */
  readonly interfaceName: string;
  /** The tailnet's addresses: they lead into a tunnel, ours or another agent's. */
  readonly pool?: NetworkPrefix | undefined;
}

/** Addresses of this machine that peers may be able to reach, as `ip:port`: no loopback, link-local or tunnel ones. */
export function localEndpoints(
  { port, interfaceName, pool }: LocalEndpointsOptions,
  addresses: readonly InterfaceAddress[] = Deno.networkInterfaces(),
): string[] {
  const usable = addresses.filter(({ name, family, address }) =>
    name !== interfaceName && !isLocal(address) &&
    !(family === "IPv4" && pool?.address.length === 4 && inside(address, pool))
  );
  return usable.map(({ family, address }) => family === "IPv4" ? `${address}:${port}` : `[${address}]:${port}`);
}

function isLocal(address: string): boolean {
  return /^127\./.test(address) || /^169\.254\./.test(address) || address === "::1" || /^fe[89ab].:/i.test(address);
}

function inside(address: string, pool: NetworkPrefix): boolean {
  const shift = 32 - pool.bits;
  return pool.bits === 0 || number(address.split(".").map(Number)) >>> shift === number([...pool.address]) >>> shift;
}

function number(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => (sum << 8) | byte, 0);
}
