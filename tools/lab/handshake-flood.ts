/**
 * Initiations that pass the first check (`mac1`) and nothing else, from many addresses and ports, at a steady rate:
 * `deno run -A handshake-flood.ts --to ADDRESS:PORT --key BASE64 --from A,B,C --rate PER_SECOND --seconds N [--step MS]`. They leave
 * in bursts, one a step, each with a system call per socket: what sends must take little from what is measured. Prints how
 * many messages of which type came back.
 */
import { randomFillSync } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Endpoint } from "../../agent/dataplane/link.ts";
import { hash, mac } from "../../agent/dataplane/wireguard/blake2s.ts";
import { INITIATION_BYTES } from "../../agent/dataplane/wireguard/messages.ts";
import { SOCK_DGRAM_CLOEXEC } from "../../agent/net/ffi/socket-linux.ts";
import { AF_INET, SOCKADDR_IN_BYTES } from "../../agent/net/sockaddr.ts";
import type { Datagrams } from "../../agent/net/udp.ts";
import { LinuxUdp } from "../../agent/net/udp-linux.ts";
import { errnoText } from "../../agent/os/ffi/errno-linux.ts";
import { errno, libc } from "../../agent/os/ffi/libc-linux.ts";
import { addressOf } from "../../agent/os/ffi/memory.ts";

const { values } = parseArgs({
  options: {
    to: { type: "string" },
    key: { type: "string" },
    from: { type: "string" },
    rate: { type: "string" },
    seconds: { type: "string" },
    step: { type: "string", default: "5" },
  },
});
const [address, port] = values.to!.split(":") as [string, string];
const target: Endpoint = { address: mapped(address), port: Number(port) };
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const stepMs = Number(values.step);
const macKey = hash(new TextEncoder().encode("mac1----"), Uint8Array.fromBase64(values.key!));

const SOCKETS_PER_SOURCE = 4;
const MESSAGES = 4096;
const MOST_PER_CALL = 64;
const RECEIVED = { slots: 16, slotBytes: 256 };
const TABLES_BYTES = 32 * 1024;
const sources = values.from!.split(",").flatMap((source) => Array.from({ length: SOCKETS_PER_SOURCE }, () => source));

// Shared memory, because it never moves: the messages, what is received, and the tables of each socket.
const messagesEnd = MESSAGES * INITIATION_BYTES;
const receivedEnd = messagesEnd + RECEIVED.slots * RECEIVED.slotBytes;
const arena = new Uint8Array(new SharedArrayBuffer(receivedEnd + sources.length * TABLES_BYTES));
/** Made beforehand: the flood must not wait for its own hashing. */
for (let at = 0; at < messagesEnd; at += INITIATION_BYTES) arena.set(initiation(), at);
const sockets = sources.map((source, index) => {
  const memory = { arena, address: addressOf(arena), offset: receivedEnd + index * TABLES_BYTES };
  const shared = { fd: bindTo(source), family: AF_INET, port: 0 };
  return new LinuxUdp({
    port: 0,
    shared,
    memory,
    receive: { offset: messagesEnd, ...RECEIVED },
    sendSlots: MOST_PER_CALL,
  });
});

const answers: Record<string, number> = {};
let sent = 0;
const started = performance.now();
while (performance.now() - started < seconds * 1000) {
  sendBurst(Math.floor(((performance.now() - started) / 1000) * rate) - sent);
  for (const socket of sockets) countAnswers(socket);
  await new Promise((resolve) => setTimeout(resolve, stepMs));
}
await new Promise((resolve) => setTimeout(resolve, 200));
for (const socket of sockets) countAnswers(socket);
console.log(JSON.stringify({ sent, perSecond: Math.round((sent / (performance.now() - started)) * 1000), answers }));
process.exit(0);

/** Each socket in turn sends its part. */
function sendBurst(count: number): void {
  const share = Math.min(MOST_PER_CALL, Math.ceil(count / sockets.length));
  for (let left = count; left > 0; left -= share) {
    sockets[Math.floor(sent / Math.max(1, share)) % sockets.length]!.send(messagesFrom(sent, Math.min(share, left)));
    sent += Math.min(share, left);
  }
}

function messagesFrom(first: number, count: number): Datagrams {
  return {
    datagramCount: count,
    datagramOffsets: Uint32Array.from({ length: count }, (_, at) => ((first + at) % MESSAGES) * INITIATION_BYTES),
    datagramLengths: new Uint32Array(count).fill(INITIATION_BYTES),
    datagramTargets: new Array<Endpoint>(count).fill(target),
    datagramEcn: new Uint8Array(count),
  };
}

function countAnswers(socket: LinuxUdp): void {
  do {
    socket.receive();
    for (const offset of socket.batch.offsets.subarray(0, socket.batch.count)) {
      answers[arena[offset]!] = (answers[arena[offset]!] ?? 0) + 1;
    }
  } while (socket.batch.count === RECEIVED.slots);
}

function initiation(): Uint8Array {
  const message = randomFillSync(new Uint8Array(INITIATION_BYTES));
  message.set([1, 0, 0, 0]);
  message.set(mac(macKey, message.subarray(0, 116)), 116);
  message.fill(0, 132);
  return message;
}

/** A socket of one address and any free port. */
function bindTo(source: string): number {
  const fd = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  const name = new Uint8Array(SOCKADDR_IN_BYTES);
  new DataView(name.buffer).setUint16(0, AF_INET, true);
  name.set(mapped(source).subarray(12), 4);
  if (fd < 0 || libc.bind(fd, name, name.length) < 0) {
    console.error(`Cannot send from ${source}: ${errnoText(errno())}.`);
    process.exit(1);
  }
  return fd;
}

function mapped(ipv4: string): Uint8Array {
  return Uint8Array.of(...new Uint8Array(10), 255, 255, ...ipv4.split(".").map(Number));
}
