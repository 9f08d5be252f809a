/**
 * The C library of this isolate, opened once: V8's fast calls want one target per call site. Addresses are numbers of 64
 * bits (see `Memory`), because a pointer argument costs an object. Lengths that change lie in memory (iovec) instead.
 */
const library = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "u64", "u64"], result: "i32" },
  readv: { parameters: ["i32", "u64", "i32"], result: "i32" },
  write: { parameters: ["i32", "u64", "u64"], result: "i32" },
  writev: { parameters: ["i32", "u64", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  /** For requests whose argument is a value. */
  ioctlValue: { name: "ioctl", parameters: ["i32", "u64", "u64"], result: "i32" },
  poll: { parameters: ["u64", "u64", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  sendmmsg: { parameters: ["i32", "u64", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "u64", "u32", "i32", "u64"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
});

export const libc = library.symbols;

const errnoView = new Deno.UnsafePointerView(libc.__errno_location()!);

/** The error number of the last call that returned -1 on this thread. Ask before anything else is called. */
export function errno(): number {
  return errnoView.getInt32();
}
