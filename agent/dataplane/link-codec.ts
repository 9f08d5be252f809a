import { ByteReader, type ByteWriter } from "./link-bytes.ts";
import type { DataCommand, DataEvent, Endpoint, Path, Prefix, Source } from "./link.ts";

/**
 * Commands and events as records of the rings between the two threads: a tag byte, then the fields in the order written
 * here, little endian. Both ends are the same program, so there is no version and a bad record is a bug: it throws.
 */
export function writeCommand(out: ByteWriter, command: DataCommand): void {
  out.reset();
  out.u8(commandTags.indexOf(command.type));
  switch (command.type) {
    case "identity.set":
      return out.raw(command.publicKey);
    case "peer.set":
      out.u32(command.peer);
      out.raw(command.publicKey);
      out.u32(command.allowedIps.length);
      for (const prefix of command.allowedIps) writePrefix(out, prefix);
      return;
    case "peer.remove":
    case "sessions.drop":
    case "keepalive.send":
      return out.u32(command.peer);
    case "session.promote":
      out.u32(command.peer);
      return out.u32(command.localIndex);
    case "path.set":
      out.u32(command.peer);
      return writePath(out, command.path);
    case "session.install":
      out.u32(command.peer);
      out.u8(command.initiator ? 1 : 0);
      out.u32(command.localIndex);
      out.u32(command.remoteIndex);
      out.raw(command.sendKey);
      out.raw(command.receiveKey);
      return out.f64(command.createdAt);
    case "datagram.send":
      writeEndpoint(out, command.to);
      return out.block(command.bytes);
    case "datagram.receive":
      out.raw(command.from);
      return out.block(command.bytes);
    case "packet.inject":
      return out.block(command.bytes);
    case "offloads.set":
      return out.u8(command.enabled ? 1 : 0);
    case "mtu.set":
      return out.u32(command.mtuBytes);
    case "stop":
      return;
  }
}

export function readCommand(record: Uint8Array): DataCommand {
  const from = new ByteReader(record);
  const type = tagOf(commandTags, from.u8());
  switch (type) {
    case "identity.set":
      return { type, publicKey: from.raw(KEY_BYTES) };
    case "peer.set": {
      const peer = from.u32();
      const publicKey = from.raw(KEY_BYTES);
      const allowedIps = Array.from({ length: from.u32() }, () => readPrefix(from));
      return { type, peer, publicKey, allowedIps };
    }
    case "peer.remove":
    case "sessions.drop":
    case "keepalive.send":
      return { type, peer: from.u32() };
    case "session.promote":
      return { type, peer: from.u32(), localIndex: from.u32() };
    case "path.set":
      return { type, peer: from.u32(), path: readPath(from) };
    case "offloads.set":
      return { type, enabled: from.u8() === 1 };
    case "mtu.set":
      return { type, mtuBytes: from.u32() };
    case "session.install": {
      const session = {
        type,
        peer: from.u32(),
        initiator: from.u8() === 1,
        localIndex: from.u32(),
        remoteIndex: from.u32(),
        sendKey: from.raw(KEY_BYTES),
        receiveKey: from.raw(KEY_BYTES),
        createdAt: from.f64(),
      };
      // Keys must not lie on in the ring.
      record.fill(0);
      return session;
    }
    case "datagram.send":
      return { type, to: readEndpoint(from), bytes: from.block() };
    case "datagram.receive":
      return { type, from: from.raw(KEY_BYTES), bytes: from.block() };
    case "packet.inject":
      return { type, bytes: from.block() };
    case "stop":
      return { type };
  }
}

export function writeEvent(out: ByteWriter, event: DataEvent): void {
  out.reset();
  out.u8(eventTags.indexOf(event.type));
  switch (event.type) {
    case "handshake.received":
      writePath(out, event.source);
      out.block(event.relayKey ?? nothing);
      return out.block(event.bytes);
    case "handshake.wanted":
    case "peer.active":
      return out.u32(event.peer);
    case "session.confirmed":
      out.u32(event.peer);
      return out.u32(event.localIndex);
    case "path.learned":
      out.u32(event.peer);
      return writePath(out, event.path);
    case "relay.send":
      out.u32(event.peer);
      return out.block(event.bytes);
    case "echo.received":
      out.u32(event.peer);
      out.u16(event.sequence);
      return out.u8(paths.indexOf(event.via));
  }
}

export function readEvent(record: Uint8Array): DataEvent {
  const from = new ByteReader(record);
  const type = tagOf(eventTags, from.u8());
  switch (type) {
    case "handshake.received": {
      const source = readSource(from);
      const relayKey = from.block();
      return { type, source, relayKey: relayKey.length === 0 ? undefined : relayKey, bytes: from.block() };
    }
    case "handshake.wanted":
    case "peer.active":
      return { type, peer: from.u32() };
    case "session.confirmed":
      return { type, peer: from.u32(), localIndex: from.u32() };
    case "path.learned":
      return { type, peer: from.u32(), path: readPath(from) };
    case "relay.send":
      return { type, peer: from.u32(), bytes: from.block() };
    case "echo.received":
      return { type, peer: from.u32(), sequence: from.u16(), via: from.u8() === 1 ? "udp" : "relay" };
  }
}

const KEY_BYTES = 32;
const nothing = new Uint8Array(0);

const commandTags = [
  "identity.set",
  "peer.set",
  "peer.remove",
  "path.set",
  "session.install",
  "session.promote",
  "sessions.drop",
  "keepalive.send",
  "datagram.send",
  "datagram.receive",
  "packet.inject",
  "offloads.set",
  "mtu.set",
  "stop",
] as const satisfies readonly DataCommand["type"][];

const eventTags = [
  "handshake.received",
  "handshake.wanted",
  "peer.active",
  "session.confirmed",
  "path.learned",
  "relay.send",
  "echo.received",
] as const satisfies readonly DataEvent["type"][];

const paths = ["none", "udp", "relay"] as const satisfies readonly Path["via"][];

function tagOf<T extends string>(tags: readonly T[], tag: number): T {
  const found = tags[tag];
  if (found === undefined) throw new RangeError(`record has the unknown tag ${tag}`);
  return found;
}

function writePath(out: ByteWriter, path: Path): void {
  out.u8(paths.indexOf(path.via));
  if (path.via === "udp") writeEndpoint(out, path.endpoint);
}

function readPath(from: ByteReader): Path {
  const via = tagOf(paths, from.u8());
  return via === "udp" ? { via, endpoint: readEndpoint(from) } : { via };
}

function readSource(from: ByteReader): Source {
  const path = readPath(from);
  if (path.via === "none") throw new RangeError("a datagram comes from somewhere");
  return path;
}

function writeEndpoint(out: ByteWriter, endpoint: Endpoint): void {
  out.raw(endpoint.address);
  out.u16(endpoint.port);
}

function readEndpoint(from: ByteReader): Endpoint {
  return { address: from.raw(16), port: from.u16() };
}

function writePrefix(out: ByteWriter, prefix: Prefix): void {
  out.u8(prefix.address.length);
  out.raw(prefix.address);
  out.u8(prefix.bits);
}

function readPrefix(from: ByteReader): Prefix {
  return { address: from.raw(from.u8()), bits: from.u8() };
}
