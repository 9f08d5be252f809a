import type { DataCommand, DataEvent, DropReason, PeerCells } from "../dataplane/link.ts";

export interface DataLinkOptions {
  /** `memory` has no device: packets go in and out by `DataLink.memoryTun`. */
  readonly tun:
    | { readonly kind: "kernel"; readonly name: string; readonly mtuBytes: number }
    | { readonly kind: "memory"; readonly mtuBytes: number };
  /** 0 for any; when it is taken another free one is used, see `DataLink.localPort`. */
  readonly listenPort: number;
  onEvent(event: DataEvent): void;
}

/** The control thread's end of the data thread. Times in `cells` are `performance.now()` of the thread that opened it. */
export class DataLink {
  readonly cells: PeerCells = new Float64Array(0);
  readonly interfaceName: string = "";
  readonly localPort: number = 0;
  readonly engine: string = "";

  /** Rejects with `TunUnavailable` when there is no right to make a TUN, or no TUN. */
  static open(_options: DataLinkOptions): Promise<DataLink> {
    return Promise.reject(new Error("not built yet"));
  }

  /** Never blocks; packets that find the ring full are dropped and counted as `link.full`. */
  send(_command: DataCommand): void {}

  drops(): Record<DropReason, number> {
    return {} as Record<DropReason, number>;
  }

  /** Stops the data thread; the TUN goes with it. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
