import { setTimeout } from "node:timers/promises";
import { call } from "#protocol/api/call.ts";
import type { MachineId } from "#protocol/ids.ts";
import { type AgentPeer, localPeers } from "#protocol/local/daemon.ts";
import type { Host } from "../../../tools/lab/host.ts";
import { agentOn } from "./local-socket.ts";

/** From the answer of the API to the table of a peer. */
export const SOON_MS = 1000;

/** What must be true of a machine in the table of a peer. */
export type Seen = (peer: AgentPeer | undefined) => boolean;

export const isGone: Seen = (peer) => peer === undefined;
export const isOnline: Seen = (peer) => peer?.online === true;

/** The table of `ztna peers`, from the socket it reads. */
export function peersOf(host: Host): Promise<AgentPeer[]> {
  return call(agentOn(host), "http://agent", localPeers, {});
}

/** Waits until a host's table shows what it must, and not for long. */
export async function appears(host: Host, id: MachineId, seen: Seen): Promise<void> {
  const since = performance.now();
  const peer = async () => (await peersOf(host)).find((one) => one.id === id);
  while (!seen(await peer())) {
    if (performance.now() - since > SOON_MS) {
      throw new Error(`the peer's table is not right: ${JSON.stringify(await peer())}`);
    }
    await setTimeout(10);
  }
}

/** One packet there and back, to the address the table has for the name. */
export async function pings(host: Host, name: string): Promise<boolean> {
  const peer = (await peersOf(host)).find((one) => one.name === name);
  return (await host.run("ping", ["-c", "1", "-W", "0.3", peer!.tailnet_ip])).code === 0;
}
