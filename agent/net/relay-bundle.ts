import {
  appendPacket,
  BUNDLE_AIM_BYTES,
  CONTROL_LANE_BYTES,
  FRAME_HEADER_BYTES,
  writeSendHeader,
} from "#protocol/relay/frames.ts";

const LENGTH_BYTES = 2;

/** The frame for one destination while it fills. Its memory is used again after `take`. */
export class RelayBundle {
  readonly #frame = new Uint8Array(FRAME_HEADER_BYTES + BUNDLE_AIM_BYTES);
  #end = FRAME_HEADER_BYTES;

  constructor(destination: Uint8Array) {
    writeSendHeader(this.#frame, destination);
  }

  get isEmpty(): boolean {
    return this.#end === FRAME_HEADER_BYTES;
  }

  /** False when it does not fit any more; an empty bundle takes every packet a tunnel can make. */
  add(packet: Uint8Array): boolean {
    const end = appendPacket(this.#frame, this.#end, packet);
    if (end === undefined) return false;
    this.#end = end;
    return true;
  }

  /** The finished frame, valid until the next `add`. */
  take(): Uint8Array {
    const frame = this.#frame.subarray(0, this.#end);
    this.#end = FRAME_HEADER_BYTES;
    return frame;
  }
}

/** True for a frame that travels in the relay's lane for handshakes and keepalives. */
export function isControlLane(frame: Uint8Array): boolean {
  return frame.length - FRAME_HEADER_BYTES <= CONTROL_LANE_BYTES;
}

/** True for a packet that makes a control-lane frame when it is alone in it. */
export function fitsControlLane(packet: Uint8Array): boolean {
  return packet.length + LENGTH_BYTES <= CONTROL_LANE_BYTES;
}
