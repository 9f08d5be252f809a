import type { AeadEngine, AeadKey } from "../../crypto/engine.ts";
import type { DataCommand, PeerIndex } from "../link.ts";
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_MS } from "./limits.ts";
import { ReplayWindow } from "./replay-window.ts";

/** One pair of transport keys (whitepaper 5.4.5, 5.4.6). Times in milliseconds. */
export class Session {
  readonly peer: PeerIndex;
  readonly initiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly createdAt: number;
  readonly sendKey: AeadKey;
  readonly receiveKey: AeadKey;
  readonly replay = new ReplayWindow();
  /** Counter of the next packet. */
  sendCounter = 0;

  constructor(command: Extract<DataCommand, { type: "session.install" }>, engine: AeadEngine) {
    this.peer = command.peer;
    this.initiator = command.initiator;
    this.localIndex = command.localIndex;
    this.remoteIndex = command.remoteIndex;
    this.createdAt = command.createdAt;
    this.sendKey = engine.prepare(command.sendKey);
    this.receiveKey = engine.prepare(command.receiveKey);
  }

  isExpired(now: number): boolean {
    return now - this.createdAt >= REJECT_AFTER_MS;
  }

  maySend(now: number): boolean {
    return !this.isExpired(now) && this.sendCounter < REJECT_AFTER_MESSAGES;
  }

  destroy(): void {
    this.sendKey.destroy();
    this.receiveKey.destroy();
  }
}
