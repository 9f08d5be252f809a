import type { Arena } from "../crypto/engine.ts";
import { type Sum, sumWords } from "./offload/checksum.ts";

/** A run of equal slots in the arena. */
export interface SlotRegion {
  readonly offset: number;
  readonly slotBytes: number;
  readonly slots: number;
}

/**
 * The memory of one data thread: the kernel, the crypto engines and the parsers all work in it by offset, so that a packet
 * is never copied between them (docs/architecture.md).
 */
export interface DataArena extends Arena {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Longest IP packet the tunnel carries, in bytes. */
  readonly mtuBytes: number;
  /** Packets read from the TUN. */
  readonly tunIn: SlotRegion;
  /** Datagrams to send, one right behind the other: `slotBytes` is the longest one. */
  readonly udpOut: SlotRegion;
  /** Datagrams received; opened in place. */
  readonly udpIn: SlotRegion;
  /** For adapters: iovec and mmsghdr tables, socket addresses. */
  readonly io: { readonly offset: number; readonly bytes: number };
  /** For engines: keys, nonces, tables. */
  readonly engine: { readonly offset: number; readonly bytes: number };
  readonly sum: Sum;
}

/** Super-packets are big: a few at a time stay in the cache. */
export const TUN_BATCH = 16;
/** The longest IP packet with the kernel's header before it. */
export const SUPER_PACKET_BYTES = 65_535 + 10;
/** The longest datagram, and the most the kernel joins into one receive. */
const RECEIVE_BYTES = 65_535;
export const UDP_BATCH = 16;
/** What a few super-packets become, what was queued, and a few keepalives. */
const UDP_OUT_SLOTS = 1024;
const IO_BYTES = 512 * 1024;
const ENGINE_BYTES = 64 * 1024;
const CACHE_LINE = 64;
/** Transport header, tag and padding around a packet of MTU size (whitepaper 5.4.6). */
const DATAGRAM_OVERHEAD = 16 + 16 + 15;

/** Lays out an arena for a tunnel MTU in bytes. */
export function createArena(mtuBytes: number): DataArena {
  const slotBytes = align(mtuBytes + DATAGRAM_OVERHEAD + CACHE_LINE);
  let end = 0;
  const take = (bytes: number) => {
    const offset = end;
    end += align(bytes);
    return offset;
  };
  const engine = { offset: take(ENGINE_BYTES), bytes: ENGINE_BYTES };
  const io = { offset: take(IO_BYTES), bytes: IO_BYTES };
  const region = (slots: number, bytes = slotBytes): SlotRegion => ({
    offset: take(slots * bytes),
    slotBytes: bytes,
    slots,
  });
  const tunIn = region(TUN_BATCH, align(SUPER_PACKET_BYTES));
  const udpIn = region(UDP_BATCH, align(RECEIVE_BYTES));
  const udpOut = region(UDP_OUT_SLOTS);
  const pages = Math.ceil(end / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  const [bytes, view] = [new Uint8Array(buffer), new DataView(buffer)];
  const sum: Sum = (offset, length, initial) => sumWords(view, offset, length, initial);
  return { memory, buffer, bytes, view, mtuBytes, tunIn, udpOut, udpIn, io, engine, sum };
}

export function slotOffset(region: SlotRegion, slot: number): number {
  return region.offset + slot * region.slotBytes;
}

function align(bytes: number): number {
  return Math.ceil(bytes / CACHE_LINE) * CACHE_LINE;
}
