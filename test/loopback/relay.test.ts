import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { WebSocket } from "ws";
import { signRelayTicket } from "#domain/relay/ticket.ts";
import { appendPacket, FRAME_HEADER_BYTES, relayPath, writeSendHeader } from "#protocol/relay/frames.ts";
import { workerSecrets } from "./worker-secrets.ts";

/*
 * Two agents, real sockets, real workerd on loopback:
 *
 *   ws client A --- TCP --- workerd: Worker -> DerpRelay --- TCP --- ws client B
 */

const root = resolve(import.meta.dirname, "../..");
const orgTag = "00000000000000ff";
const secrets = await workerSecrets();
const harness = createTestHarness({ root, workers: [{ configPath: "wrangler.toml", secrets }] });
let base: string;

beforeAll(async () => {
  mkdirSync(`${root}/dist/dashboard`, { recursive: true });
  base = (await harness.listen()).url.href.replace(/^http/, "ws").replace(/\/$/, "");
});
afterAll(() => harness.close());

describe("the relay over real sockets", () => {
  it("carries a lone 1.4 KB message in less than 5 ms", async () => {
    const [a, b] = [await openRelay(randomBytes(32)), await openRelay(randomBytes(32))];
    const took: number[] = [];
    for (let i = 0; i < 30; i++) {
      const frame = sendFrame(b.key, 1400);
      const arrival = new Promise((resolve) => b.socket.once("message", resolve));
      const start = performance.now();
      a.socket.send(frame);
      await arrival;
      took.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    a.socket.close();
    b.socket.close();
    const median = took.sort((x, y) => x - y)[15]!;
    console.log(
      `relay: lone 1.4 KB message, median ${median.toFixed(2)} ms, worst ${took.at(-1)!.toFixed(2)} ms of 30`,
    );
    expect(median).toBeLessThan(5);
  });

  it("refuses a client without a ticket with the envelope", async () => {
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const socket = new WebSocket(base + relayPath("blr1"));
      socket.on("open", () => reject(new Error("was let in")));
      socket.on("unexpected-response", (_, response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode, body }));
      });
    });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "INVALID_TICKET" } });
  });
});

async function openRelay(key: Uint8Array): Promise<{ key: Uint8Array; socket: WebSocket }> {
  const claims = { tag: orgTag, key: Buffer.from(key).toString("hex"), expiresAt: Date.now() + 60_000 };
  const ticket = signRelayTicket(Buffer.from(secrets.ZTNA_SECRET, "hex"), claims);
  const socket = new WebSocket(base + relayPath("blr1"), {
    headers: { authorization: `Bearer ${ticket}` },
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { key, socket };
}

function sendFrame(destination: Uint8Array, packetBytes: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + 2 + packetBytes);
  appendPacket(frame, writeSendHeader(frame, destination), randomBytes(packetBytes));
  return frame;
}
