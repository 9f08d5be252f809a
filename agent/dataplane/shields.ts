/**
 * Shields: while they are up, nothing gets in that this machine did not ask for. Packets to peers leave a row of their flow,
 * packets from peers need one. The table lies in memory that a thread which sends and one which receives share, so that no
 * command is needed: word 0 says whether the shields are up. Sets of four rows; a new flow takes the place of the one that
 * was silent longest, whose next packet out brings it back.
 */

const UP = 0;
const HEADER_WORDS = 1;
/** Seconds of the last packet out (0 for a free row), version and protocol, ports, then both addresses. */
const ROW_WORDS = 11;
const ROWS_PER_SET = 4;
const SETS = 1024;

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;

/** An idle TCP connection may go on for so long (RFC 5382, 5), other flows for so long (RFC 4787, 4.3). */
const TCP_SECONDS = 7_440;
const OTHER_SECONDS = 300;

/** Memory for shields that are down. */
export function createShields(): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer((HEADER_WORDS + SETS * ROWS_PER_SET * ROW_WORDS) * 4));
}

/** Flows that were noted when the shields were last up count for nothing. */
export function setShields(memory: Uint32Array, up: boolean): void {
  if (up && memory[UP] === 0) memory.fill(0);
  memory[UP] = Number(up);
}

/** One thread's view of the shields. Times in milliseconds. */
export class Shields {
  readonly #memory: Uint32Array;
  /** The flow at hand: the words of a row from `version and protocol` on, seen from this machine. */
  readonly #flow = new Uint32Array(ROW_WORDS - 1);

  constructor(memory: Uint32Array) {
    this.#memory = memory;
  }

  get up(): boolean {
    return this.#memory[UP] === 1;
  }

  /** Notes the flow of a packet to a peer. */
  note(bytes: Uint8Array, offset: number, length: number, now: number): void {
    if (!this.#read(bytes, offset, length, true)) return;
    const memory = this.#memory;
    const row = this.#find() ?? this.#oldest();
    if (memory[row] === 0 || !this.#matches(row)) {
      memory[row] = 0;
      memory.set(this.#flow, row + 1);
    }
    memory[row] = seconds(now);
  }

  /** Whether a whole packet from a peer belongs to a flow of this machine's own. */
  admits(bytes: Uint8Array, offset: number, length: number, now: number): boolean {
    const header = headerBytes(bytes, offset);
    if (isLaterFragment(bytes, offset)) return true;
    const inner = offset + header + 8;
    const known = isIcmpError(bytes, offset, header)
      // It quotes the packet it complains of, which was one of ours.
      ? inner < offset + length && this.#read(bytes, inner, offset + length - inner, true)
      : this.#read(bytes, offset, length, false);
    const row = known ? this.#find() : undefined;
    if (row === undefined) return false;
    const age = seconds(now) - this.#memory[row]!;
    return age <= ((this.#flow[0]! & 0xff) === TCP ? TCP_SECONDS : OTHER_SECONDS);
  }

  /** Reads the flow of a packet; false for one that is too short to have any. */
  #read(bytes: Uint8Array, offset: number, length: number, outward: boolean): boolean {
    const version = bytes[offset]! >>> 4;
    if (version !== 4 && version !== 6) return false;
    const header = headerBytes(bytes, offset);
    if (length < header) return false;
    const flow = this.#flow.fill(0);
    const protocol = bytes[offset + (version === 4 ? 9 : 6)]!;
    flow[0] = (version << 8) | protocol;
    const size = version === 4 ? 4 : 16;
    const source = offset + (version === 4 ? 12 : 8);
    readAddress(bytes, source, size, flow, outward ? 2 : 6);
    readAddress(bytes, source + size, size, flow, outward ? 6 : 2);
    return readPorts(bytes, offset + header, length - header, protocol, outward, flow);
  }

  #find(): number | undefined {
    const first = this.#set();
    for (let row = first; row < first + ROWS_PER_SET * ROW_WORDS; row += ROW_WORDS) {
      if (this.#memory[row] !== 0 && this.#matches(row)) return row;
    }
    return undefined;
  }

  #oldest(): number {
    const first = this.#set();
    let oldest = first;
    for (let row = first; row < first + ROWS_PER_SET * ROW_WORDS; row += ROW_WORDS) {
      if (this.#memory[row]! < this.#memory[oldest]!) oldest = row;
    }
    return oldest;
  }

  #matches(row: number): boolean {
    for (let word = 0; word < this.#flow.length; word++) {
      if (this.#memory[row + 1 + word] !== this.#flow[word]) return false;
    }
    return true;
  }

  /** FNV-1a over the words; it only spreads the rows, they are compared whole. */
  #set(): number {
    let hash = 0x811c9dc5;
    for (const word of this.#flow) {
      hash = Math.imul(hash ^ word, 0x01000193);
      hash ^= hash >>> 15;
    }
    return HEADER_WORDS + ((hash >>> 0) % SETS) * ROWS_PER_SET * ROW_WORDS;
  }
}

/** Never 0, which is a free row. */
function seconds(now: number): number {
  return Math.floor(now / 1000) + 1;
}

function headerBytes(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! >>> 4 === 4 ? (bytes[offset]! & 15) * 4 : 40;
}

/** Without the first fragment, which has the ports, the others come to nothing. */
function isLaterFragment(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset]! >>> 4 === 4 && (((bytes[offset + 6]! & 0x1f) << 8) | bytes[offset + 7]!) !== 0;
}

/** RFC 792: unreachable, time exceeded, parameter problem; RFC 4443: types below 128. */
function isIcmpError(bytes: Uint8Array, offset: number, header: number): boolean {
  const type = bytes[offset + header]!;
  if (bytes[offset]! >>> 4 === 6) return bytes[offset + 6] === ICMPV6 && type < 128;
  return bytes[offset + 9] === ICMP && (type === 3 || type === 11 || type === 12);
}

/** An IPv4 address takes the last word of four. */
function readAddress(bytes: Uint8Array, at: number, size: number, flow: Uint32Array, word: number): void {
  const first = word + 4 - size / 4;
  for (let index = 0; index < size / 4; index++) {
    const byte = at + index * 4;
    flow[first + index] = (bytes[byte]! << 24) | (bytes[byte + 1]! << 16) | (bytes[byte + 2]! << 8) | bytes[byte + 3]!;
  }
}

/** Own port and the peer's; for an echo its identifier. Other protocols have none. */
function readPorts(
  bytes: Uint8Array,
  at: number,
  length: number,
  protocol: number,
  outward: boolean,
  flow: Uint32Array,
): boolean {
  if (protocol === TCP || protocol === UDP) {
    if (length < 4) return false;
    const [source, destination] = [(bytes[at]! << 8) | bytes[at + 1]!, (bytes[at + 2]! << 8) | bytes[at + 3]!];
    flow[1] = outward ? (source << 16) | destination : (destination << 16) | source;
    return true;
  }
  if (protocol !== ICMP && protocol !== ICMPV6) return true;
  if (length < 8) return false;
  // Only a request opens a flow, and only a reply belongs to one.
  const [request, reply] = protocol === ICMP ? [8, 0] : [128, 129];
  flow[1] = (bytes[at + 4]! << 8) | bytes[at + 5]!;
  return bytes[at] === (outward ? request : reply);
}
