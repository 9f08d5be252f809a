/** Runs `act` on a thread that has an own, empty network; what `act` does must be synchronous. Linux, root. */
export function inPrivateNetwork(act: () => void): void {
  const home = open("/proc/thread-self/ns/net\0");
  if (library.symbols.unshare(CLONE_NEWNET) !== 0) throw new Error("unshare was refused");
  try {
    act();
  } finally {
    comeHome(home);
  }
}

/**
 * The same for what takes time: a test has its thread for itself, sockets are made on it, and the threads and programs it
 * starts are in its network. Loopback is up.
 */
export async function withPrivateNetwork(act: () => Promise<void>): Promise<void> {
  const home = open("/proc/thread-self/ns/net\0");
  if (library.symbols.unshare(CLONE_NEWNET) !== 0) throw new Error("unshare was refused");
  try {
    const { success } = await new Deno.Command("ip", { args: ["link", "set", "lo", "up"] }).output();
    if (!success) throw new Error("loopback was refused");
    await act();
  } finally {
    comeHome(home);
  }
}

/** Tests that need a network of their own are left out where they may not have one. */
export const mayHavePrivateNetwork = Deno.build.os === "linux" && Deno.uid() === 0;

const CLONE_NEWNET = 0x4000_0000;

const library = Deno.dlopen("libc.so.6", {
  unshare: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

function comeHome(home: number): void {
  if (library.symbols.setns(home, CLONE_NEWNET) !== 0) throw new Error("setns was refused");
  library.symbols.close(home);
}

function open(path: string): number {
  return library.symbols.open(new TextEncoder().encode(path), 0);
}
