/** Which room may import what. Rooms are folders (or single files); the longest that fits a path is its room. */
interface Room {
  readonly room: string;
  /** Own folders and files it may import besides itself. */
  readonly may: readonly string[];
  /** Exceptions to `may` and to a room's right to import itself. */
  readonly never?: readonly string[];
  /** Folders from which it may import types alone. */
  readonly types?: readonly string[];
  /** Packages it may import; absent means any that `keptPackages` allows. */
  readonly packages?: readonly string[];
  /** Folders directly below the room may not import each other. */
  readonly separate?: boolean;
}

const rooms: readonly Room[] = [
  { room: "protocol", may: [], packages: ["valibot"] },
  { room: "domain", may: ["protocol"], packages: ["valibot", "@noble/hashes", "@noble/curves"] },
  { room: "worker", may: ["protocol", "domain", "durable-objects"] },
  { room: "worker/db", may: ["protocol"], types: ["domain"], packages: ["drizzle-orm", "valibot"] },
  {
    room: "worker/routes",
    may: ["protocol", "domain", "worker"],
    never: ["worker/routes", "worker/app.ts", "worker/index.ts", "worker/db/schema", "durable-objects"],
  },
  {
    room: "durable-objects",
    may: ["protocol", "domain", "worker/db", "worker/config.ts"],
    packages: ["cloudflare:workers", "valibot", "drizzle-orm", "@noble/hashes"],
    separate: true,
  },
  { room: "agent", may: ["protocol", "domain"] },
  { room: "agent/cli", may: ["protocol", "agent/os"], never: ["agent/dataplane", "agent/tun", "agent/net"] },
  { room: "agent/daemon", may: ["protocol", "domain", "agent"], never: ["agent/cli"] },
  {
    room: "agent/dataplane",
    may: ["protocol", "domain", "agent/crypto/engine.ts"],
    packages: ["@noble/", "flatqueue"],
  },
  { room: "agent/control", may: ["protocol", "domain"], packages: ["ws", "node:", "valibot"] },
  { room: "agent/control/session.ts", may: ["protocol", "domain", "agent/control"], packages: ["valibot"] },
  { room: "agent/crypto", may: ["protocol"], packages: ["@noble/", "node:"] },
  { room: "agent/tun", may: ["protocol", "agent/crypto/engine.ts", "agent/os/ffi"], packages: ["node:"] },
  { room: "agent/net", may: ["protocol", "agent/os/ffi", "agent/dataplane/link.ts"], packages: ["node:", "ws"] },
  { room: "agent/os", may: ["protocol"], packages: ["node:"] },
  { room: "dashboard", may: ["protocol", "domain"] },
  {
    room: "dashboard/features",
    may: ["protocol", "domain", "dashboard"],
    never: ["dashboard/main.tsx"],
    separate: true,
  },
  { room: "dashboard/ui", may: [], never: ["protocol", "domain"] },
];

/** Packages that live in one place only, so that they can be swapped. */
const keptPackages: Readonly<Record<string, readonly string[]>> = {
  "commander": ["agent/cli"],
  "@commander-js/extra-typings": ["agent/cli"],
  "@bomb.sh/tab": ["agent/cli"],
  "@clack/prompts": ["agent/cli"],
  "drizzle-orm": ["worker/db", "durable-objects/org/projection.ts", "drizzle.config.ts"],
  "hono": ["worker"],
  "react": ["dashboard"],
};

/** Why `file` may not import `specifier`, in one sentence, or undefined. Paths are relative to the repository. */
export function importFault(file: string, specifier: string, typeOnly: boolean): string | undefined {
  const room = rooms.filter(({ room }) => within(file, room)).sort((a, b) => b.room.length - a.room.length)[0];
  const target = resolveOwn(file, specifier);
  if (target === undefined) return packageFault(file, room, specifier);
  return spellingFault(file, specifier, target) ?? (room && roomFault(file, room, target, typeOnly));
}

function packageFault(file: string, room: Room | undefined, specifier: string): string | undefined {
  const name = packageOf(specifier);
  const homes = keptPackages[name];
  if (homes !== undefined && isProduct(file) && !homes.some((home) => within(file, home))) {
    return `${name} is used in ${homes.join(" and ")} only`;
  }
  const allowed = room?.packages;
  if (allowed === undefined || allowed.some((entry) => specifier === entry || fits(specifier, entry))) return undefined;
  return `${room!.room} may not import ${name}`;
}

function spellingFault(file: string, specifier: string, target: string): string | undefined {
  if (!/\.[a-z]+$/.test(specifier)) return "Write the file's extension";
  const home = ["protocol", "domain"].find((room) => within(target, room));
  if (home !== undefined && !specifier.startsWith("#") && !within(file, home)) return `Write #${target}`;
  if (specifier.startsWith("#") && home !== undefined && within(file, home)) return "Inside a room, import relatively";
  return undefined;
}

function roomFault(file: string, room: Room, target: string, typeOnly: boolean): string | undefined {
  const fault = `${room.room} may not import ${topOf(target)}`;
  if (typeOnly && room.types?.some((own) => within(target, own))) return undefined;
  if (room.never?.some((own) => within(target, own))) {
    return within(target, room.room) ? `${room.room} files may not import each other` : fault;
  }
  if (within(target, room.room)) {
    const [mine, other] = [file, target].map((path) => path.slice(room.room.length + 1).split("/"));
    const apart = room.separate && mine!.length > 1 && other!.length > 1 && mine![0] !== other![0];
    return apart ? `${room.room}/${mine![0]} may not import its sibling ${other![0]}` : undefined;
  }
  return room.may.some((own) => within(target, own)) ? undefined : fault;
}

function resolveOwn(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function within(path: string, room: string): boolean {
  return path === room || path.startsWith(`${room}/`);
}

function fits(specifier: string, entry: string): boolean {
  return specifier.startsWith(/[:/]$/.test(entry) ? entry : `${entry}/`);
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]!;
}

function topOf(target: string): string {
  return target.split("/").slice(0, target.startsWith("agent/") || target.startsWith("worker/") ? 2 : 1).join("/");
}

function isProduct(file: string): boolean {
  return !/^(test|tools|dist)\//.test(file);
}
