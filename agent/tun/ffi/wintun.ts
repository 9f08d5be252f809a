/** The documented API of wintun.dll (wintun.h 0.14). Adapters, sessions and events are 64-bit numbers, 0 for failure. */
const symbols = {
  /** Name, tunnel type, GUID. */
  WintunCreateAdapter: { parameters: ["buffer", "buffer", "buffer"], result: "u64" },
  WintunOpenAdapter: { parameters: ["buffer"], result: "u64" },
  WintunCloseAdapter: { parameters: ["u64"], result: "void" },
  WintunDeleteDriver: { parameters: [], result: "i32" },
  /** Adapter, where to write the u64. */
  WintunGetAdapterLUID: { parameters: ["u64", "buffer"], result: "void" },
  WintunGetRunningDriverVersion: { parameters: [], result: "u32" },
  WintunSetLogger: { parameters: ["pointer"], result: "void" },
  /** Adapter, size of each ring: a power of two from 128 KiB to 64 MiB. */
  WintunStartSession: { parameters: ["u64", "u32"], result: "u64" },
  WintunEndSession: { parameters: ["u64"], result: "void" },
  WintunGetReadWaitEvent: { parameters: ["u64"], result: "u64" },
  /** Session, where to write the packet's size (u32). The packet is the ring's until it is released. */
  WintunReceivePacket: { parameters: ["u64", "u64"], result: "u64" },
  WintunReleaseReceivePacket: { parameters: ["u64", "u64"], result: "void" },
  /** Session, size. The packet is sent in the order of allocation. */
  WintunAllocateSendPacket: { parameters: ["u64", "u32"], result: "u64" },
  WintunSendPacket: { parameters: ["u64", "u64"], result: "void" },
} as const;

export type Wintun = Deno.DynamicLibrary<typeof symbols>["symbols"];

let loaded: { readonly path: string; readonly wintun: Wintun } | undefined;

/** Opened once per isolate: V8's fast calls want one target per call site. */
export function loadWintun(path: string): Wintun {
  if (loaded?.path !== path) loaded = { path, wintun: Deno.dlopen(path, symbols).symbols };
  return loaded.wintun;
}
