import { expect } from "vitest";
import type { RealtimeServerMessage } from "#protocol/realtime.ts";
import { Inbox, upgrade } from "./inbox.ts";
import type { Org } from "./support.ts";

/** A dashboard's end of a live socket. */
export class Dashboard extends Inbox<RealtimeServerMessage> {
  constructor(socket: WebSocket) {
    super(socket, (text) => JSON.parse(text) as RealtimeServerMessage);
  }

  /** Everything that was sent until now. */
  async untilPong(): Promise<RealtimeServerMessage[]> {
    this.send({ type: "ping" });
    const heard: RealtimeServerMessage[] = [];
    for (let message = await this.take(); message.type !== "pong"; message = await this.take()) heard.push(message);
    return heard;
  }
}

/** Opens a dashboard that has subscribed to these channels. */
export async function watch(org: Org, channels: readonly string[], token = org.token): Promise<Dashboard> {
  const response = await upgrade(realtimePath(org.orgId), { "sec-websocket-protocol": `access_token.${token}` });
  expect(response.headers.get("sec-websocket-protocol")).toBe(`access_token.${token}`);
  const dashboard = new Dashboard(response.webSocket!);
  expect(await dashboard.take()).toMatchObject({ type: "connected" });
  dashboard.send({ type: "subscribe", channels });
  expect((await dashboard.take()).type).toBe("subscribed");
  return dashboard;
}

export function realtimePath(orgId: string): string {
  return `/api/realtime?org_id=${orgId}`;
}
