import { deepEqual, throws } from "node:assert/strict";
import { ByteWriter } from "../../../agent/dataplane/link-bytes.ts";
import { readCommand, readEvent, writeCommand, writeEvent } from "../../../agent/dataplane/link-codec.ts";
import type { DataCommand, DataEvent } from "../../../agent/dataplane/link.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const endpoint = { address: Uint8Array.from({ length: 16 }, (_, i) => 255 - i), port: 41_641 };
const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i);

const commands: DataCommand[] = [
  { type: "peer.set", peer: 7, publicKey: key, allowedIps: [] },
  {
    type: "peer.set",
    peer: 16_383,
    publicKey: key,
    allowedIps: [{ address: Uint8Array.of(100, 64, 0, 3), bits: 32 }, { address: endpoint.address, bits: 128 }],
  },
  { type: "identity.set", publicKey: key },
  { type: "peer.remove", peer: 1 },
  { type: "path.set", peer: 1, path: { via: "udp", endpoint } },
  { type: "path.set", peer: 1, path: { via: "relay" } },
  { type: "path.set", peer: 1, path: { via: "none" } },
  {
    type: "session.install",
    peer: 1,
    initiator: true,
    localIndex: 0xffff_ffff,
    remoteIndex: 1,
    sendKey: key,
    receiveKey: key.map((b) => b ^ 255),
    createdAt: 12_345.678,
  },
  { type: "session.promote", peer: 3, localIndex: 0xffff_fffe },
  { type: "sessions.drop", peer: 3 },
  { type: "keepalive.send", peer: 4 },
  { type: "datagram.send", to: endpoint, bytes },
  { type: "datagram.receive", from: key, bytes },
  { type: "packet.inject", bytes },
  { type: "offloads.set", enabled: true },
  { type: "offloads.set", enabled: false },
  { type: "mtu.set", mtuBytes: 1280 },
  { type: "stop" },
];

const events: DataEvent[] = [
  { type: "handshake.received", source: { via: "udp", endpoint }, relayKey: undefined, bytes },
  { type: "handshake.received", source: { via: "relay" }, relayKey: key, bytes },
  { type: "handshake.wanted", peer: 9 },
  { type: "peer.active", peer: 9 },
  { type: "session.confirmed", peer: 9, localIndex: 0xdead_beef },
  { type: "path.learned", peer: 9, path: { via: "udp", endpoint } },
  { type: "relay.send", peer: 9, bytes },
  { type: "echo.received", peer: 9, sequence: 65_535, via: "relay" },
  { type: "echo.received", peer: 9, sequence: 0, via: "udp" },
];

Deno.test("Every command comes out of its record as it went in", () => {
  const out = new ByteWriter();
  for (const command of commands) {
    writeCommand(out, command);
    deepEqual(readCommand(out.written), command);
  }
});

Deno.test("Every event comes out of its record as it went in", () => {
  const out = new ByteWriter();
  for (const event of events) {
    writeEvent(out, event);
    deepEqual(readEvent(out.written), event);
  }
});

Deno.test("A record read from shared memory is a copy", () => {
  const out = new ByteWriter();
  writeCommand(out, { type: "packet.inject", bytes });
  const shared = new Uint8Array(new SharedArrayBuffer(out.written.length));
  shared.set(out.written);
  const command = readCommand(shared);
  shared.fill(0);
  deepEqual(command, { type: "packet.inject", bytes });
});

Deno.test("A cut or unknown record is an error", () => {
  const out = new ByteWriter();
  writeCommand(out, { type: "datagram.send", to: endpoint, bytes });
  throws(() => readCommand(out.written.subarray(0, out.written.length - 1)), RangeError);
  throws(() => readCommand(Uint8Array.of(200)), RangeError);
  throws(() => readEvent(Uint8Array.of(200)), RangeError);
});
