/**
 * What the agent needs of macOS's C library. Variadic functions take their extra arguments on the stack on Apple's arm64:
 * as ninth and later arguments of a function with eight others they end up there.
 */
export function openLibSystem(arch: typeof Deno.build.arch = Deno.build.arch) {
  const filler = arch === "aarch64" ? (["u64", "u64", "u64", "u64", "u64", "u64"] as const) : [];
  const library = Deno.dlopen("/usr/lib/libSystem.B.dylib", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    /** Socket, msghdr, flags. */
    recvmsg: { parameters: ["i32", "u64", "i32"], result: "i64" },
    sendmsg: { parameters: ["i32", "u64", "i32"], result: "i64" },
    close: { parameters: ["i32"], result: "i32" },
    ioctl: { parameters: ["i32", "u64", ...filler, "buffer"] as Deno.NativeType[], result: "i32" },
    /** Where errno of this thread lies. */
    __error: { parameters: [], result: "pointer" },
  });
  const { symbols } = library;
  const errnoView = new Deno.UnsafePointerView(symbols.__error()!);
  const ioctl = symbols.ioctl as unknown as (...args: unknown[]) => number;
  return {
    ...symbols,
    ioctl: (fd: number, request: bigint, argument: Uint8Array) => ioctl(fd, request, ...filler.map(() => 0n), argument),
    errno: () => errnoView.getInt32(),
  };
}

export type LibSystem = ReturnType<typeof openLibSystem>;

/** sys/errno.h. */
export const MacErrno = { EPERM: 1, EBADF: 9, ENXIO: 6, EACCES: 13, EBUSY: 16, ENOTSOCK: 38 } as const;
