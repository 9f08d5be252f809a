import { bin } from "../process/environment.ts";

/** What something needs of the machine it runs on. */
export interface Needs {
  /** Those that Debian packages bring. */
  readonly programs: readonly string[];
  /** Whether it makes network namespaces and TUN devices. */
  readonly root: boolean;
}

/** One part of `npm test`. */
export interface Part extends Needs {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** False for one that looks at the clock, or keeps all processors busy: nothing runs beside it. */
  readonly alone: boolean;
}

/** Program -> Debian package. */
export const debianPackages: Readonly<Record<string, string>> = {
  chromium: "chromium",
  curl: "curl",
  gcc: "gcc",
  ip: "iproute2",
  iperf3: "iperf3",
  nft: "nftables",
  ping: "iputils-ping",
  python3: "python3-minimal",
  tcpdump: "tcpdump",
  setpriv: "util-linux",
  unshare: "util-linux",
  "/usr/lib/wine/wine64": "wine64",
  "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64",
  wg: "wireguard-tools",
  "wireguard-go": "wireguard-go",
  wrk: "wrk",
};

const everywhere = { programs: [], root: false } as const;

/** In the order they start: what is basic first, then the longest of those that run side by side. */
export const parts: readonly Part[] = [
  { name: "form", command: ["node", "tools/ok.ts", "--static"], alone: true, ...everywhere },
  { name: "worker", command: vitest("test/worker"), alone: false, ...everywhere },
  {
    name: "agent",
    command: [bin("deno"), "test", "-A", "--no-check", "test/agent", "test/tools"],
    alone: false,
    ...everywhere,
  },
  {
    name: "windows",
    command: ["node", "tools/wine/test.ts"],
    alone: false,
    programs: ["/usr/lib/wine/wine64", "x86_64-w64-mingw32-gcc"],
    root: false,
  },
  { name: "pure", command: vitest("test/pure"), alone: false, ...everywhere },
  {
    name: "commands",
    command: [bin("deno"), "run", "-A", "tools/cli-docs.ts", "--check"],
    alone: false,
    ...everywhere,
  },
  { name: "contract", command: ["node", "tools/contract/main.ts", "--check"], alone: false, ...everywhere },
  { name: "loopback", command: vitest("test/loopback"), alone: true, ...everywhere },
  { name: "dashboard", command: vitest("test/dashboard"), alone: true, programs: ["chromium"], root: false },
  {
    name: "system",
    command: vitest("test/system"),
    alone: true,
    programs: Object.keys(debianPackages).filter((program) => !/wrk|wine|mingw/.test(program)),
    root: true,
  },
];

function vitest(folder: string): [string, ...string[]] {
  return [bin("vitest"), "run", "--config", `${folder}/vitest.config.ts`];
}
