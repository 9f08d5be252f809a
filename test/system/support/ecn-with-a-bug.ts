import * as ecn from "../../../agent/dataplane/offload/ecn.ts";

/** Stands in for the agent's own file of this name: one length of packet makes it fail, as an unknown bug would. */
export const BAD_PACKET_BYTES = 999;

export const { combineEcn, setEcn } = ecn;

export function ecnOf(view: DataView, packet: number): number {
  if (view.getUint16(packet + 2) === BAD_PACKET_BYTES) throw new Error("a bug of this test");
  return ecn.ecnOf(view, packet);
}
