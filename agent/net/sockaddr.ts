import { type Endpoint, isIpv4 } from "../dataplane/link.ts";

/** The same for all systems; the number of IPv6 is not. */
export const AF_INET = 2;
/** Room for a socket address of either family, a multiple of 8. */
export const SOCKADDR_ROOM = 32;
/** struct sockaddr_in: family u16 at 0, port u16 big endian at 2, address at 4. */
export const SOCKADDR_IN_BYTES = 16;
/** struct sockaddr_in6: family u16 at 0, port u16 big endian at 2, flow u32 at 4, address at 8, scope u32 at 24. */
export const SOCKADDR_IN6_BYTES = 28;
const NO_FAMILY = 0xffff;

/**
 * `Endpoint` <-> struct sockaddr in the arena. Endpoints that were read are kept, so that packets of one sender share one
 * object and a busy loop allocates nothing.
 */
export class SockaddrCodec {
  /** Size of an address of this socket's family. */
  readonly bytes: number;
  readonly #family: number;
  readonly #arena: Uint8Array;
  readonly #view: DataView;
  readonly #known = new Array<Endpoint | undefined>(KNOWN_SLOTS);

  /** `family` is the socket's: AF_INET, or the system's number for IPv6, whose sockets carry both. */
  constructor(family: number, arena: Uint8Array) {
    this.#family = family;
    this.#arena = arena;
    this.#view = new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
    this.bytes = family === AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;
  }

  /** Writes the address of `endpoint` at `offset` and returns its size. */
  write(offset: number, endpoint: Endpoint): number {
    this.#view.setUint16(offset, this.#family, true);
    this.#view.setUint16(offset + 2, endpoint.port);
    if (this.#family === AF_INET) {
      // An IPv6 target on an IPv4 socket gets a family that every system refuses.
      if (!isIpv4(endpoint.address)) this.#view.setUint16(offset, NO_FAMILY, true);
      this.#arena.set(endpoint.address.subarray(12), offset + 4);
      return SOCKADDR_IN_BYTES;
    }
    this.#view.setUint32(offset + 4, 0);
    this.#arena.set(endpoint.address, offset + 8);
    this.#view.setUint32(offset + 24, 0);
    return SOCKADDR_IN6_BYTES;
  }

  read(offset: number): Endpoint {
    const slot = this.#slotOf(offset);
    const known = this.#known[slot];
    if (known !== undefined && this.#holds(offset, known)) return known;
    return (this.#known[slot] = this.#fresh(offset));
  }

  #slotOf(offset: number): number {
    const host = this.#view.getUint32(offset + (this.#family === AF_INET ? 4 : 20));
    return ((host ^ (host >>> 16)) + this.#view.getUint16(offset + 2)) % KNOWN_SLOTS;
  }

  #holds(offset: number, { address, port }: Endpoint): boolean {
    if (this.#view.getUint16(offset + 2) !== port) return false;
    const short = this.#family === AF_INET;
    const start = short ? offset + 4 - 12 : offset + 8;
    for (let at = short ? 12 : 0; at < 16; at++) if (this.#arena[start + at] !== address[at]) return false;
    return true;
  }

  #fresh(offset: number): Endpoint {
    const port = this.#view.getUint16(offset + 2);
    if (this.#family !== AF_INET) return { address: this.#arena.slice(offset + 8, offset + 24), port };
    const address = new Uint8Array(16);
    address.fill(0xff, 10, 12);
    address.set(this.#arena.subarray(offset + 4, offset + 8), 12);
    return { address, port };
  }
}

const KNOWN_SLOTS = 1024;
