import { Cell, cellOffset, CELLS_PER_PEER, type PeerCells, type PeerIndex } from "./link.ts";
import type { Outbox } from "./outbox.ts";

/** Writes what passes into the cells both threads see, and tells the control thread when a silent peer speaks. */
export class PeerMeter {
  readonly #cells: PeerCells;

  constructor(cells: PeerCells) {
    this.#cells = cells;
  }

  reset(peer: PeerIndex): void {
    this.#cells.fill(0, cellOffset(peer, 0), cellOffset(peer, CELLS_PER_PEER));
  }

  /** `length` is the datagram's; `content` is false for a keepalive. */
  sent(peer: PeerIndex, length: number, content: boolean, counter: number, now: number, out: Outbox): void {
    const cells = this.#cells;
    const row = cellOffset(peer, 0);
    cells[row + Cell.txBytes]! += length;
    cells[row + Cell.txPackets]! += 1;
    cells[row + Cell.lastSent] = now;
    cells[row + Cell.sendCounter] = counter;
    cells[row + Cell.unacknowledgedSince] = 0;
    if (content) {
      cells[row + Cell.lastDataSent] = now;
      if (cells[row + Cell.unansweredSince] === 0) cells[row + Cell.unansweredSince] = now;
    }
    this.#arm(row, peer, out);
  }

  received(peer: PeerIndex, length: number, content: boolean, now: number, out: Outbox): void {
    const cells = this.#cells;
    const row = cellOffset(peer, 0);
    cells[row + Cell.rxBytes]! += length;
    cells[row + Cell.rxPackets]! += 1;
    cells[row + Cell.lastReceived] = now;
    cells[row + Cell.unansweredSince] = 0;
    if (content) {
      cells[row + Cell.lastDataReceived] = now;
      if (cells[row + Cell.unacknowledgedSince] === 0) cells[row + Cell.unacknowledgedSince] = now;
    }
    this.#arm(row, peer, out);
  }

  /** A finished handshake is an answer too. */
  answered(peer: PeerIndex): void {
    this.#cells[cellOffset(peer, Cell.unansweredSince)] = 0;
  }

  queued(peer: PeerIndex, packets: number): void {
    this.#cells[cellOffset(peer, Cell.queued)] = packets;
  }

  #arm(row: number, peer: PeerIndex, out: Outbox): void {
    if (this.#cells[row + Cell.armed] !== 0) return;
    this.#cells[row + Cell.armed] = 1;
    out.events.push({ type: "peer.active", peer });
  }
}
