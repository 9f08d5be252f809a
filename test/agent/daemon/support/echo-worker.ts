/// <reference lib="webworker" />
import type { Plane } from "../../../../agent/daemon/data-loop.ts";
import { type DataThreadStart, type PlaneParts, serveDataThread } from "../../../../agent/daemon/data-thread.ts";
import { linuxThread } from "../../../../agent/daemon/thread-linux.ts";
import type { DataCommand, Endpoint } from "../../../../agent/dataplane/link.ts";
import type { Outbox } from "../../../../agent/dataplane/outbox.ts";

/** A plane without WireGuard: packets go to the last path in the clear, datagrams to the TUN, the rest is told. */
class EchoPlane implements Plane {
  readonly #arena: PlaneParts["arena"];
  #target: Endpoint | undefined;
  #relayed = false;

  constructor({ arena }: PlaneParts) {
    this.#arena = arena;
  }

  apply(command: DataCommand, now: number, out: Outbox): void {
    if (command.type === "path.set") {
      this.#target = command.path.via === "udp" ? command.path.endpoint : undefined;
      this.#relayed = command.path.via === "relay";
    }
    if (command.type === "keepalive.send") out.events.push({ type: "session.confirmed", peer: 0, localIndex: now });
    if (command.type === "sessions.drop") throw new Error("a bug in the plane");
    if (command.type === "packet.inject") this.#inject(command.bytes, now, out);
  }

  handleTunPacket(offset: number, length: number, _now: number, out: Outbox): void {
    const bytes = this.#arena.bytes.subarray(offset, offset + length);
    if (this.#relayed) out.events.push({ type: "relay.send", peer: 0, bytes });
    if (this.#target === undefined) return;
    this.#arena.bytes.copyWithin(out.nextDatagram(), offset, offset + length);
    out.addDatagram(length, this.#target);
  }

  handleSuperPacket(): never {
    throw new Error("The memory TUN reads plain packets");
  }

  handleDatagram(offset: number, length: number, source: Endpoint, _now: number, out: Outbox): void {
    out.addPacket(offset, length);
    out.events.push({ type: "path.learned", peer: 0, path: { via: "udp", endpoint: source } });
  }

  #inject(bytes: Uint8Array, now: number, out: Outbox): void {
    const { offset } = this.#arena.udpIn;
    this.#arena.bytes.set(bytes, offset);
    this.handleTunPacket(offset, bytes.length, now, out);
  }
}

self.onmessage = ({ data }: MessageEvent<DataThreadStart>) => {
  serveDataThread(
    data,
    linuxThread,
    (parts) => ({ plane: new EchoPlane(parts), engine: "none" }),
    (report) => self.postMessage(report),
  );
};
