import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  appendPacket,
  FRAME_CAP_BYTES,
  FRAME_HEADER_BYTES,
  FrameType,
  readAgentToRelayFrame,
  readBundle,
  readRelayToAgentFrame,
  turnIntoReceive,
  writeCredit,
  writePeerGone,
  writePing,
  writePong,
  writeSendHeader,
} from "#protocol/relay/frames.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 1500 }), { minLength: 1, maxLength: 20 });

function sendFrame(destination: Uint8Array, all: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(FRAME_CAP_BYTES);
  let offset = writeSendHeader(out, destination);
  for (const packet of all) offset = appendPacket(out, offset, packet)!;
  return out.slice(0, offset);
}

describe("relay frames", () => {
  it("carry packets from one agent to another unchanged and in order", () => {
    fc.assert(fc.property(key, key, packets, (source, destination, sent) => {
      const frame = sendFrame(destination, sent);
      const bundleBytes = frame.length - FRAME_HEADER_BYTES;
      expect(readAgentToRelayFrame(frame)).toEqual({ type: "send", destination, bundleBytes });
      turnIntoReceive(frame, source);
      const received = readRelayToAgentFrame(frame);
      if (received?.type !== "receive") throw new Error("not received");
      expect(received.source).toEqual(source);
      expect([...readBundle(received.bundle)]).toEqual(sent);
    }));
  });

  it("round-trip when small", () => {
    fc.assert(
      fc.property(
        key,
        fc.nat(255),
        fc.nat(0xffffffff),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (peer, reason, bytes, data) => {
          expect(readRelayToAgentFrame(writePeerGone(peer, reason))).toEqual({ type: "peerGone", peer, reason });
          expect(readAgentToRelayFrame(writeCredit(bytes))).toEqual({ type: "credit", bytes });
          expect(readAgentToRelayFrame(writePing(data))).toEqual({ type: "ping", data });
          expect(readRelayToAgentFrame(writePong(data))).toEqual({ type: "pong", data });
        },
      ),
    );
  });

  it("are read as views wherever they lie in a buffer", () => {
    const around = new Uint8Array(40);
    around.set(writeCredit(7), 11);
    expect(readAgentToRelayFrame(around.subarray(11, 16))).toEqual({ type: "credit", bytes: 7 });
  });

  it("of any hostile bytes are read or refused, never thrown at", () => {
    const types = fc.constantFrom(...Object.values(FrameType), 0, 8, 255);
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 200 }), (type, rest) => {
        for (const bytes of [rest, Uint8Array.of(type, ...rest)]) {
          readAgentToRelayFrame(bytes);
          const frame = readRelayToAgentFrame(bytes);
          if (frame?.type === "receive") {
            for (const packet of readBundle(frame.bundle)) expect(packet.length).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("over the cap are refused", () => {
    expect(readAgentToRelayFrame(new Uint8Array(FRAME_CAP_BYTES).fill(1))).toMatchObject({ type: "send" });
    expect(readAgentToRelayFrame(new Uint8Array(FRAME_CAP_BYTES + 1).fill(1))).toBeUndefined();
  });
});

describe("a bundle", () => {
  it("refuses a packet that does not fit and an empty one", () => {
    const out = new Uint8Array(40);
    expect(appendPacket(out, 33, new Uint8Array(5))).toBe(40);
    expect(appendPacket(out, 33, new Uint8Array(6))).toBeUndefined();
    expect(appendPacket(out, 33, new Uint8Array(0))).toBeUndefined();
    expect(appendPacket(new Uint8Array(70_000), 0, new Uint8Array(65_536))).toBeUndefined();
  });

  it("ends at the first length that lies", () => {
    const bundle = Uint8Array.of(1, 0, 9, 200, 0, 1, 2);
    expect([...readBundle(bundle)]).toEqual([Uint8Array.of(9)]);
  });
});
