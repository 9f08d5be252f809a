import { env, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { signRelayTicket } from "#domain/relay/ticket.ts";
import { base, type ReceivedEnvelope } from "../support/api.ts";
import { askRelay, keyOf, ticketFor } from "../support/relay-client.ts";

const orgTag = "00000000000000aa";
const codeOf = async (response: Response) => (await response.json<ReceivedEnvelope>()).error?.code;

describe("a relay socket", () => {
  it("opens with a good ticket", async () => {
    const response = await askRelay(ticketFor(orgTag, keyOf(1)));
    expect(response.status).toBe(101);
    response.webSocket!.accept();
  });

  it("is refused without a ticket and with one that is expired, foreign, changed or garbage", async () => {
    const good = ticketFor(orgTag, keyOf(1));
    const foreign = signRelayTicket(new Uint8Array(32), {
      tag: orgTag,
      key: "01".repeat(32),
      expiresAt: Date.now() + 60_000,
    });
    const changed = good.replace(/^(.{20})./, (_, start: string) => `${start}${good[20] === "0" ? "1" : "0"}`);
    const bad = [
      undefined,
      ticketFor(orgTag, keyOf(1), Date.now() - 1),
      foreign,
      changed,
      "garbage",
      good.slice(2),
    ];
    for (const ticket of bad) {
      const response = await askRelay(ticket);
      expect([response.status, await codeOf(response)]).toEqual([401, "INVALID_TICKET"]);
    }
  });

  it("is refused in a region that is not in the map", async () => {
    const response = await askRelay(ticketFor(orgTag, keyOf(1)), "mars1");
    expect([response.status, await codeOf(response)]).toEqual([404, "NOT_FOUND"]);
  });

  it("is refused to a request that is no WebSocket upgrade", async () => {
    const response = await SELF.fetch(`${base}/api/relay/blr1`, {
      headers: { authorization: `Bearer ${ticketFor(orgTag, keyOf(1))}` },
    });
    expect([response.status, await codeOf(response)]).toEqual([426, "UPGRADE_REQUIRED"]);
  });

  it("cannot choose its key by a header of its own", async () => {
    const response = await SELF.fetch(`${base}/api/relay/nyc1`, {
      headers: {
        upgrade: "websocket",
        authorization: `Bearer ${ticketFor(orgTag, keyOf(1))}`,
        "x-relay-key": "02".repeat(32),
      },
    });
    response.webSocket!.accept();
    const relay = env.RELAY.getByName(`${orgTag}:nyc1:0`);
    expect(await tagsIn(relay)).toEqual(["01".repeat(32)]);
  });
});

async function tagsIn(relay: DurableObjectStub): Promise<string[]> {
  const { runInDurableObject } = await import("cloudflare:test");
  return await runInDurableObject(
    relay,
    (_, state) => state.getWebSockets().flatMap((socket) => state.getTags(socket)),
  );
}
