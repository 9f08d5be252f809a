import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { type AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import {
  BUNDLE_AIM_BYTES,
  FrameType,
  PeerGoneReason,
  readAgentToRelayFrame,
  readBundle,
  turnIntoReceive,
  writePeerGone,
} from "#protocol/relay/frames.ts";
import { type RelayHandlers, RelaySocket } from "../../../agent/net/relay-socket.ts";

const ALICE = new Uint8Array(32).fill(1);
const BOB = new Uint8Array(32).fill(2);

interface Relay extends AsyncDisposable {
  readonly origin: string;
  /** Binary messages the relay got, in order. */
  readonly frames: Uint8Array[];
  readonly headers: () => { url: string | undefined; authorization: string | undefined };
  readonly socket: () => WebSocket;
}

/** A real WebSocket server that keeps what it gets and can echo Send frames back as Receive frames of `ALICE`. */
async function startRelay({ echo = false } = {}): Promise<Relay> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const frames: Uint8Array[] = [];
  let headers: { url: string | undefined; authorization: string | undefined } | undefined;
  let socket: WebSocket | undefined;
  server.on("connection", (opened, request) => {
    socket = opened;
    headers = { url: request.url, authorization: request.headers.authorization };
    opened.on("message", (data: Buffer, binary) => {
      if (!binary) return opened.send("pong");
      const frame = new Uint8Array(data);
      frames.push(frame.slice());
      if (!echo || frame[0] !== FrameType.send) return;
      turnIntoReceive(frame, ALICE);
      opened.send(frame);
    });
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    frames,
    headers: () => headers ?? assert.fail("nobody connected"),
    socket: () => socket ?? assert.fail("nobody connected"),
    [Symbol.asyncDispose]: () => {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Connects and waits until the socket is open. */
async function connect(relay: Relay, handlers: Partial<RelayHandlers> = {}): Promise<RelaySocket> {
  return await new Promise((resolve, reject) => {
    const socket: RelaySocket = new RelaySocket(relay.origin, "blr1", "the-ticket", {
      onOpen: () => resolve(socket),
      onDatagram: () => {},
      onPeerGone: () => {},
      onClosed: ({ reason }) => reject(new Error(reason)),
      ...handlers,
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), "it did not come to pass in 2 s");
}

const sizes = (frame: Uint8Array) => [...readBundle(frame.subarray(33))].map((packet) => packet.length);

Deno.test("a relay socket asks for its region and shows its ticket in a header", async () => {
  await using relay = await startRelay();
  const socket = await connect(relay);
  assert.deepEqual(relay.headers(), { url: "/api/relay/blr1", authorization: "Bearer the-ticket" });
  socket.close();
});

Deno.test("packets given in one turn travel in one frame for each destination", async () => {
  await using relay = await startRelay();
  const socket = await connect(relay);
  for (let i = 0; i < 3; i++) socket.send(ALICE, new Uint8Array(400 + i));
  socket.send(BOB, new Uint8Array(700));
  await until(() => relay.frames.length === 2);
  assert.deepEqual(relay.frames.map(sizes), [[400, 401, 402], [700]]);
  assert.deepEqual(relay.frames.map((frame) => readAgentToRelayFrame(frame)?.type), ["send", "send"]);
  assert.deepEqual(relay.frames[0]!.subarray(1, 33), ALICE);
  socket.close();
});

Deno.test("a bundle stays below what bundles aim at, and order is kept", async () => {
  await using relay = await startRelay();
  const socket = await connect(relay);
  for (let i = 0; i < 100; i++) socket.send(ALICE, new Uint8Array(1000 + i));
  await until(() => relay.frames.reduce((sum, frame) => sum + sizes(frame).length, 0) === 100);
  assert.ok(relay.frames.every((frame) => frame.length <= 33 + BUNDLE_AIM_BYTES));
  assert.ok(relay.frames.length < 10);
  assert.deepEqual(relay.frames.flatMap(sizes), Array.from({ length: 100 }, (_, i) => 1000 + i));
  socket.close();
});

Deno.test("a handshake message travels alone", async () => {
  await using relay = await startRelay();
  const socket = await connect(relay);
  socket.send(ALICE, new Uint8Array(1000));
  socket.sendControl(ALICE, new Uint8Array(148));
  socket.send(ALICE, new Uint8Array(1001));
  await until(() => relay.frames.length === 2);
  assert.deepEqual(relay.frames.map(sizes), [[148], [1000, 1001]]);
  socket.close();
});

Deno.test("handshake messages wait for the connection, other packets are dropped and counted", async () => {
  await using relay = await startRelay();
  const opened = connect(relay, {});
  const socket = await new Promise<RelaySocket>((resolve) => {
    const early: RelaySocket = new RelaySocket(relay.origin, "blr1", "t", {
      onOpen: () => resolve(early),
      onDatagram: () => {},
      onPeerGone: () => {},
      onClosed: () => {},
    });
    early.sendControl(BOB, new Uint8Array(148).fill(9));
    early.send(BOB, new Uint8Array(500));
    assert.equal(early.counters.dropped, 1);
  });
  await until(() => relay.frames.length === 1);
  assert.deepEqual(sizes(relay.frames[0]!), [148]);
  socket.close();
  (await opened).close();
});

Deno.test("packets of a bundle arrive one by one with their sender", async () => {
  await using relay = await startRelay({ echo: true });
  const heard: [number, number][] = [];
  const socket = await connect(relay, {
    onDatagram: (source, bytes) => heard.push([source[0]!, bytes.length]),
  });
  for (const size of [300, 301]) socket.send(BOB, new Uint8Array(size));
  await until(() => heard.length === 2);
  assert.deepEqual(heard, [[1, 300], [1, 301]]);
  socket.close();
});

Deno.test("credit is given for all that was taken off, in steps", async () => {
  await using relay = await startRelay({ echo: true });
  const socket = await connect(relay);
  for (let i = 0; i < 400; i++) socket.send(BOB, new Uint8Array(1400));
  await until(() => socket.counters.receivedBytes >= 400 * 1402);
  await until(() => relay.frames.filter((frame) => frame[0] === FrameType.credit).length === 4);
  const credits = relay.frames.map(readAgentToRelayFrame).flatMap((frame) =>
    frame?.type === "credit" ? [frame.bytes] : []
  );
  assert.ok(credits.every((bytes) => bytes >= 128 * 1024 && bytes < 160 * 1024), String(credits));
  socket.close();
});

Deno.test("a peer that is gone is named, and frames of no known kind are counted", async () => {
  await using relay = await startRelay();
  const gone: number[] = [];
  const socket = await connect(relay, { onPeerGone: (peer) => gone.push(peer[0]!) });
  for (const bytes of [[], [0], [2, 1, 2], [99, 1]]) relay.socket().send(Uint8Array.from(bytes));
  relay.socket().send(writePeerGone(BOB, PeerGoneReason.disconnected));
  await until(() => gone.length === 1);
  assert.deepEqual(gone, [2]);
  assert.equal(socket.counters.malformed, 4);
  socket.close();
});

Deno.test("a socket that does not drain drops bulk and keeps a place for handshakes", async () => {
  await using relay = await startRelay();
  const socket = await connect(relay);
  relay.socket().pause();
  for (let i = 0; i < 20_000; i++) {
    socket.send(ALICE, new Uint8Array(1400));
    if (i % 50 === 0) await Promise.resolve();
  }
  assert.ok(socket.counters.dropped > 0, "nothing was dropped");
  const before = socket.counters.dropped;
  socket.sendControl(ALICE, new Uint8Array(148));
  assert.equal(socket.counters.dropped, before);
  socket.close();
});

Deno.test("a lone message of 1.4 KB comes back within 5 ms", async () => {
  await using relay = await startRelay({ echo: true });
  let answered: (() => void) | undefined;
  const socket = await connect(relay, { onDatagram: () => answered?.() });
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const back = new Promise<void>((resolve) => answered = resolve);
    const start = performance.now();
    socket.send(BOB, new Uint8Array(1400));
    await back;
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  assert.ok(times[15]! < 5, `median ${times[15]!.toFixed(2)} ms`);
  socket.close();
});
