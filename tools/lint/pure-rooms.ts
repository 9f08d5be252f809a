/** Rooms without IO, clock, randomness or log. `waits` says whether they may be async all the same. */
const pureRooms: readonly { readonly room: RegExp; readonly waits: boolean }[] = [
  { room: /^domain\//, waits: false },
  { room: /^agent\/dataplane\//, waits: false },
  { room: /^agent\/control\/session\.ts$/, waits: false },
  { room: /^durable-objects\/[^/]+\/roster\.ts$/, waits: false },
  { room: /^protocol\//, waits: true },
];

const ambient: Readonly<Record<string, string>> = {
  performance: "performance is ambient: take now",
  crypto: "crypto is ambient: take randomBytes or an engine",
  fetch: "A pure room does no IO: take what you need as an argument",
  Deno: "A pure room does not know its runtime",
  process: "A pure room does not know its runtime",
  console: "A pure room does not log: hand out an event or a counter",
  setTimeout: "Timers are ambient: say nextTimeout()",
  setInterval: "Timers are ambient: say nextTimeout()",
  queueMicrotask: "Pure rooms do not wait",
};

/** Whether a file (relative to the repository) is in a pure room, and whether that room may wait. */
export function pureRoomOf(file: string): { readonly waits: boolean } | undefined {
  return pureRooms.find(({ room }) => room.test(file));
}

/** Why this global may not be used in a pure room, or undefined. */
export function ambientFault(name: string): string | undefined {
  return Object.hasOwn(ambient, name) ? ambient[name] : undefined;
}
