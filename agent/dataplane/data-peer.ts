import type { Path, PeerIndex } from "./link.ts";
import { PacketQueue } from "./packet-queue.ts";
import type { Session } from "./wireguard/session.ts";

/**
 * What the data thread keeps of a peer. Sessions follow the whitepaper (6.5, 6.6): we send on `current`, and receive on
 * `previous` and on every session of `next` too. The whitepaper has one `next`; here a direct attempt and a handshake over
 * the relay may both wait for their first packet, and either may be the one the initiator goes on with.
 */
export class DataPeer {
  readonly index: PeerIndex;
  readonly publicKey: Uint8Array;
  path: Path = { via: "none" };
  current: Session | undefined;
  previous: Session | undefined;
  readonly next: Session[] = [];
  readonly queue = new PacketQueue();
  /** When a handshake was last asked for; -Infinity when none is awaited. */
  wantedAt = -Infinity;
  /** When an authenticated packet last came over UDP. */
  udpReceivedAt = -Infinity;

  constructor(index: PeerIndex, publicKey: Uint8Array) {
    this.index = index;
    this.publicKey = publicKey;
  }

  /** The initiator's new session is in use at once. Returns the session that falls out. */
  use(session: Session): Session | undefined {
    const dropped = this.previous;
    this.previous = this.current;
    this.current = session;
    return dropped;
  }

  /** The responder's new session waits for its first packet. Returns the session that falls out. */
  await(session: Session): Session | undefined {
    this.next.push(session);
    return this.next.length > MOST_NEXT ? this.next.shift() : undefined;
  }

  /** The first packet of a waiting session came. Returns the session that falls out. */
  confirm(session: Session): Session | undefined {
    this.next.splice(this.next.indexOf(session), 1);
    return this.use(session);
  }

  isWaiting(session: Session): boolean {
    return this.next.length > 0 && this.next.includes(session);
  }

  /** Gives up all sessions and returns them. */
  takeSessions(): Session[] {
    const sessions = [this.current, this.previous, ...this.next.splice(0)].filter((session) => session !== undefined);
    this.current = this.previous = undefined;
    return sessions;
  }
}

const MOST_NEXT = 3;
