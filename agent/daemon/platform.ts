import type { DataArena } from "../dataplane/arena.ts";
import type { UdpDevice, UdpOptions } from "../net/udp.ts";
import type { TunDevice } from "../tun/device.ts";
import type { DataRole, Sleeper } from "./data-loop.ts";
import type { SharedFiles } from "./data-thread.ts";
import type { SharedRing } from "./ring.ts";

/** A TUN of the system, as it is asked for. */
export interface KernelTun {
  readonly kind: "kernel";
  readonly name: string;
  readonly mtuBytes: number;
  /** On Windows: which wintun.dll. */
  readonly library?: { readonly path: string; readonly sha256: string };
}

/** Ends the sleep of another thread. */
export interface Waker {
  /** By which another thread finds it: a file, on Windows an event. */
  readonly handle: number;
  wake(): void;
  close(): void;
}

/** What both ends have of their operating system. */
export interface Platform {
  /** A waker of one's own, or one that another thread made and closes. */
  createWaker(sharedHandle?: number): Waker;
  /** Milliseconds of a clock that all threads share. */
  monotonicMs(): number;
}

export interface LinkPlatform extends Platform {
  readonly mostThreads: 1 | 2;
  startWorker(): Worker;
  /** Closes what two threads have used. */
  closeFiles(files: SharedFiles): void;
}

export interface ThreadPlatform extends Platform {
  openTun(tun: KernelTun, arena: DataArena, arenaAddress: bigint, shared: SharedFiles["tun"] | undefined): TunDevice;
  openUdp(options: UdpOptions): UdpDevice;
  createSleeper(parts: SleeperParts): Sleeper;
}

export interface SleeperParts {
  readonly role: DataRole;
  readonly tun: TunDevice;
  readonly udp: UdpDevice;
  /** Of the waker that ends the sleep. */
  readonly wakeHandle: number;
  /** Whoever writes into one of them wakes. */
  readonly rings: readonly SharedRing[];
}
