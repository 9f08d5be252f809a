/** What the agent needs of kernel32.dll. Handles and addresses are 64-bit numbers, sizes as well. */
const library = Deno.dlopen("kernel32.dll", {
  /** Each writes an i64. */
  QueryPerformanceCounter: { parameters: ["buffer"], result: "i32" },
  QueryPerformanceFrequency: { parameters: ["buffer"], result: "i32" },
  GetLastError: { parameters: [], result: "u32" },
  /** Target, source, size. */
  RtlMoveMemory: { parameters: ["u64", "u64", "u64"], result: "void" },
  /** Security, manual reset, first state, name. */
  CreateEventW: { parameters: ["u64", "i32", "i32", "u64"], result: "u64" },
  SetEvent: { parameters: ["u64"], result: "i32" },
  CloseHandle: { parameters: ["u64"], result: "i32" },
  /** Number of handles, where they lie, whether all are waited for, milliseconds. */
  WaitForMultipleObjects: { parameters: ["u32", "u64", "i32", "u32"], result: "u32" },
});

export const kernel32 = library.symbols;

/** Text as Windows wants it: UTF-16 with a zero at the end. */
export function wideText(text: string): Uint8Array<ArrayBuffer> {
  const units = Uint16Array.from({ length: text.length + 1 }, (_, at) => at < text.length ? text.charCodeAt(at) : 0);
  return new Uint8Array(units.buffer);
}
