import type { AeadKey } from "../../crypto/engine.ts";
import type { ReplayWindow } from "./replay-window.ts";

/** Whitepaper 6.1. */
export const REKEY_AFTER_MS = 120_000;
export const REJECT_AFTER_MS = 180_000;
export const REKEY_AFTER_MESSAGES = 2 ** 52;
/** Counters are JS numbers: exact below 2^53, refused above. */
export const REJECT_AFTER_MESSAGES = 2 ** 53 - 1;
export const REKEY_TIMEOUT_MS = 5_000;
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/** The transport keys of one finished handshake. */
export interface Session {
  readonly initiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly sendKey: AeadKey;
  readonly receiveKey: AeadKey;
  readonly createdAt: number;
  readonly window: ReplayWindow;
  sendCounter: number;
}

export function mayStillBeUsed(session: Session, now: number): boolean {
  return now - session.createdAt < REJECT_AFTER_MS && session.sendCounter < REJECT_AFTER_MESSAGES;
}

export function destroySession(session: Session): void {
  session.sendKey.destroy();
  session.receiveKey.destroy();
}
