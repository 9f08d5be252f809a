import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { WindowsError } from "../os/ffi/errors-windows.ts";
import { kernel32, wideText } from "../os/ffi/kernel32-windows.ts";
import { addressOf } from "../os/ffi/memory.ts";
import { NO_OFFLOADS, type PacketBatch, type TunDevice, TunUnavailable } from "./device.ts";
import { loadWintun, type Wintun } from "./ffi/wintun.ts";
import { nextName } from "./interface-name.ts";

export interface WindowsTunOptions {
  /** Name to ask for; its last number is counted up while the name is taken. */
  readonly name: string;
  readonly mtuBytes: number;
  readonly batchSize: number;
  /** Address of the arena's first byte. */
  readonly arenaAddress: bigint;
  readonly library: WintunFile;
}

/** Which wintun.dll: an absolute path, for one by name would be searched for, and the SHA-256 in hex it must have. */
export interface WintunFile {
  readonly path: string;
  readonly sha256: string;
}

const TUNNEL_TYPE = "QuickZTNA";
/** Of each of the two rings; a burst of a few milliseconds. */
const RING_BYTES = 8 * 1024 * 1024;
const MAX_NAMES = 100;

/** A WinTun adapter. It lives as long as this object keeps it open. */
export class WindowsTun implements TunDevice {
  readonly name: string;
  readonly mtuBytes: number;
  readonly batchSize: number;
  readonly vnet = false;
  readonly offloads = NO_OFFLOADS;
  readonly fd = -1;
  /** Names the interface to the rest of Windows. */
  readonly luid: bigint;
  /** Event that is set while packets wait; for WaitForMultipleObjects. */
  readonly readEvent: bigint;
  /** Packets the full ring did not take. */
  refused = 0;
  /** Windows' error number that ended `read` or `write`, 0 while the adapter is there. */
  fault = 0;
  readonly #wintun: Wintun;
  readonly #arenaAddress: bigint;
  readonly #adapter: bigint;
  readonly #session: bigint;
  readonly #size = new Uint32Array(new SharedArrayBuffer(4));
  readonly #sizeAddress = addressOf(new Uint8Array(this.#size.buffer));

  /** Throws `TunUnavailable`. */
  constructor(options: WindowsTunOptions) {
    this.mtuBytes = options.mtuBytes;
    this.batchSize = options.batchSize;
    this.#arenaAddress = options.arenaAddress;
    this.#wintun = openChecked(options.library);
    ({ adapter: this.#adapter, name: this.name } = createAdapter(this.#wintun, options.name));
    this.#session = this.#wintun.WintunStartSession(this.#adapter, RING_BYTES);
    if (this.#session === 0n) {
      const error = kernel32.GetLastError();
      this.#wintun.WintunCloseAdapter(this.#adapter);
      throw unavailable(error);
    }
    this.readEvent = this.#wintun.WintunGetReadWaitEvent(this.#session);
    this.luid = luidOf(this.#wintun, this.#adapter);
  }

  read(batch: PacketBatch): boolean {
    const capacity = Math.min(batch.offsets.length, this.batchSize);
    batch.count = 0;
    while (batch.count < capacity) {
      const packet = this.#wintun.WintunReceivePacket(this.#session, this.#sizeAddress);
      if (packet === 0n) return this.#survived(kernel32.GetLastError());
      const at = batch.count;
      // A packet longer than its slot is none of ours: what is kept of it is dropped as malformed.
      const length = Math.min(this.#size[0]!, batch.lengths[at]!);
      kernel32.RtlMoveMemory(this.#address(batch.offsets[at]!), packet, BigInt.asUintN(64, BigInt(length)));
      this.#wintun.WintunReleaseReceivePacket(this.#session, packet);
      batch.lengths[at] = length;
      batch.count++;
    }
    return true;
  }

  write(batch: PacketBatch): boolean {
    for (let at = 0; at < batch.count; at++) {
      const length = batch.lengths[at]!;
      const packet = this.#wintun.WintunAllocateSendPacket(this.#session, length);
      if (packet === 0n) {
        this.refused++;
        if (!this.#survived(kernel32.GetLastError())) return false;
        continue;
      }
      kernel32.RtlMoveMemory(packet, this.#address(batch.offsets[at]!), BigInt.asUintN(64, BigInt(length)));
      this.#wintun.WintunSendPacket(this.#session, packet);
    }
    return true;
  }

  setOffloads(): void {}

  close(): void {
    this.#wintun.WintunEndSession(this.#session);
    this.#wintun.WintunCloseAdapter(this.#adapter);
  }

  /** The adapter was removed, or its ring is broken. An empty or full ring, or whatever the runtime called meanwhile, is no end. */
  #survived(error: number): boolean {
    if (error !== WindowsError.handleEof && error !== WindowsError.invalidData) return true;
    this.fault = error;
    return false;
  }

  #address(offset: number): bigint {
    return BigInt.asUintN(64, this.#arenaAddress + BigInt(offset));
  }
}

/** Whoever can put another file there could run it with our rights: it is read and compared before each use. */
function openChecked({ path, sha256 }: WintunFile): Wintun {
  if (!/^[A-Za-z]:\\/.test(path)) throw new TunUnavailable(`The path of wintun.dll must be absolute: ${path}`);
  let found: string;
  try {
    found = createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch {
    throw new TunUnavailable(`Cannot make a TUN interface: ${path} is missing. Install QuickZTNA again.`);
  }
  if (found !== sha256) {
    throw new TunUnavailable(
      `Cannot make a TUN interface: ${path} is not the wintun.dll this program came with. Install QuickZTNA again.`,
    );
  }
  return loadWintun(path);
}

function createAdapter(wintun: Wintun, wanted: string): { adapter: bigint; name: string } {
  let name = wanted;
  for (let tries = 0; tries < MAX_NAMES; tries++, name = nextName(name)) {
    const adapter = wintun.WintunCreateAdapter(wideText(name), wideText(TUNNEL_TYPE), guidOf(name));
    if (adapter !== 0n) return { adapter, name };
    const error = kernel32.GetLastError();
    const taken = error === WindowsError.alreadyExists || error === WindowsError.objectAlreadyExists;
    if (!taken) throw unavailable(error);
  }
  throw new TunUnavailable(`Cannot make a TUN interface: all names from ${wanted} to ${name} are taken.`);
}

/** The same for the same name: Windows keeps a network profile for each GUID it has ever seen. */
function guidOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(`QuickZTNA adapter ${name}`).digest().subarray(0, 16));
}

function luidOf(wintun: Wintun, adapter: bigint): bigint {
  const luid = new Uint8Array(8);
  wintun.WintunGetAdapterLUID(adapter, luid);
  return new DataView(luid.buffer).getBigUint64(0, true);
}

function unavailable(error: number): TunUnavailable {
  const remedy = error === WindowsError.accessDenied
    ? "no permission. Run it as administrator."
    : `Windows error ${error}. Restart Windows if the driver was just updated.`;
  return new TunUnavailable(`Cannot make a TUN interface: ${remedy}`);
}
