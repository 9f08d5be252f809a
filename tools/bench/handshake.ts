/**
 * `npm run bench:handshake`: what the control thread can do. Handshakes per second of each role with each X25519, a
 * thousand peers that come up at once, and ten thousand that are configured and idle.
 */
import { randomBytes } from "node:crypto";
import process from "node:process";
import type { X25519 } from "../../agent/crypto/engine.ts";
import { nobleEngine } from "../../agent/crypto/engines/noble.ts";
import { selectX25519, x25519Candidates } from "../../agent/crypto/select-x25519.ts";
import { createArena } from "../../agent/dataplane/arena.ts";
import { DataPlane } from "../../agent/dataplane/data-plane.ts";
import { CELLS_PER_PEER, dropReasons, type Endpoint, MAX_PEERS } from "../../agent/dataplane/link.ts";
import { Outbox } from "../../agent/dataplane/outbox.ts";
import { WireGuardDevice } from "../../agent/dataplane/wireguard/device.ts";
import {
  createIdentity,
  createInitiation,
  createRemote,
  createResponse,
  openInitiation,
  openResponse,
  tai64n,
} from "../../agent/dataplane/wireguard/handshake.ts";
import { createControlOutbox, type PeerConfig } from "../../agent/dataplane/wireguard/outbox.ts";

const SECONDS = 2;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];
const cells = new Float64Array(MAX_PEERS * CELLS_PER_PEER);
const drops = new Uint32Array(dropReasons.length);
const best = selectX25519(() => performance.now());
const random = (size: number) => new Uint8Array(randomBytes(size));

declare function gc(): void;

console.log("Handshakes per second and thread (initiator: message 1 made, message 2 opened; responder: the reverse)");
const reference = x25519Candidates().at(-1)!;
const base = rates(reference);
for (const curve of x25519Candidates()) {
  const { initiator, responder } = curve === reference ? base : rates(curve);
  const ratios = `${(initiator / base.initiator).toFixed(2)} x, ${(responder / base.responder).toFixed(2)} x`;
  console.log(
    `  ${curve.name.padEnd(10)} initiator ${perSecond(initiator)}   responder ${perSecond(responder)}   = ${ratios}`,
  );
}
showArrival();
showFleet();

function rates(x25519: X25519): { initiator: number; responder: number } {
  const [a, b] = [createIdentity(x25519, random(32)), createIdentity(x25519, random(32))];
  const [toA, toB] = [createRemote(b, a.key.publicKey)!, createRemote(a, b.key.publicKey)!];
  const spent = { initiator: 0, responder: 0 };
  let count = 0;
  while (spent.initiator + spent.responder < SECONDS * 1000) {
    const input = { localIndex: 1, ephemeral: random(32), timestamp: tai64n(count++) };
    const at = [performance.now()];
    const { bytes, pending } = createInitiation(a, toB, input);
    at.push(performance.now());
    const opened = openInitiation(b, bytes, () => toA)!;
    const response = createResponse(b, opened, { localIndex: 2, ephemeral: random(32) })!;
    at.push(performance.now());
    const finished = openResponse(a, pending, response.bytes);
    pending.ephemeral.destroy();
    at.push(performance.now());
    if (finished === undefined) throw new Error(`${x25519.name} makes no handshake`);
    spent.initiator += at[1]! - at[0]! + at[3]! - at[2]!;
    spent.responder += at[2]! - at[1]!;
  }
  return { initiator: (count / spent.initiator) * 1000, responder: (count / spent.responder) * 1000 };
}

/** Everybody at once, both roles, by the device: timers, indices and checks included. */
function showArrival(): void {
  const peers = 1000;
  const server = createDevice();
  const clients = Array.from({ length: peers }, createDevice);
  const out = createControlOutbox();
  server.setPeers(clients.map((client, at) => configOf(client.publicKey, at)), 0, out);
  for (const client of clients) client.setPeers([configOf(server.publicKey, 0)], 0, createControlOutbox());
  const initiations = clients.map((client) => {
    const sent = createControlOutbox();
    client.handleEvent({ type: "handshake.wanted", peer: 0 }, 1, sent);
    return sent.commands.find((command) => command.type === "datagram.send")!.bytes;
  });
  out.commands.length = 0;
  const source = { via: "relay" } as const;
  const ms = timed(() => {
    for (const [at, bytes] of initiations.entries()) {
      server.handleEvent({ type: "handshake.received", source, relayKey: clients[at]!.publicKey, bytes }, 2, out);
    }
  });
  const sessions = out.commands.filter(({ type }) => type === "session.install").length;
  console.log(`\n${peers} peers at once, as responder: ${sessions} sessions in ${ms.toFixed(0)} ms`);
}

/** Both halves: the device of the control thread and the plane of the data thread. */
function showFleet(): void {
  const peers = 10_000;
  const device = createDevice();
  const arena = createArena(1420);
  const plane = new DataPlane({ arena, engine: nobleEngine(arena), cells, drops, randomBytes: random });
  const out = createControlOutbox();
  const dataOut = new Outbox(arena);
  const handOver = () => out.commands.splice(0).forEach((command) => plane.apply(command, 1, dataOut));
  const configs = Array.from({ length: peers }, (_, at) => configOf(random(32), at));
  const before = usedMebibytes();
  const setMs = timed(() => {
    device.setPeers(configs, 0, out);
    handOver();
  });
  const mebibytes = usedMebibytes() - before;
  const addMs = Array.from({ length: 101 }, (_, at) => {
    const config = configOf(random(32), peers + at);
    return timed(() => {
      device.upsertPeer(config, 1, out);
      handOver();
      device.nextTimeout();
    });
  });
  console.log(`\n${peers} idle peers: configured in ${setMs.toFixed(0)} ms, ${mebibytes.toFixed(1)} MiB`);
  console.log(`  next timer of all these: ${device.nextTimeout() ?? "none"}`);
  console.log(`  one more among them: median ${median(addMs).toFixed(3)} ms, most ${Math.max(...addMs).toFixed(3)} ms`);
}

function createDevice(): WireGuardDevice {
  const timings = { directAttemptMs: 3000, directRetryMs: 60_000 };
  const privateKey = random(32);
  return new WireGuardDevice({
    privateKey,
    randomBytes: random,
    x25519: best,
    cells,
    drops,
    timings,
    wallClock: Date.now,
  });
}

function configOf(publicKey: Uint8Array, at: number): PeerConfig {
  const address = new Uint8Array([100, 64 + (at >> 16), (at >> 8) & 0xff, at & 0xff]);
  const endpoint: Endpoint = { address: new Uint8Array([...MAPPED, 10, 0, at >> 8, at & 0xff]), port: 41641 };
  return { publicKey, allowedIps: [{ address, bits: 32 }], endpoints: [endpoint], relay: false };
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function usedMebibytes(): number {
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function perSecond(rate: number): string {
  return `${rate.toFixed(0).padStart(6)}/s`;
}
