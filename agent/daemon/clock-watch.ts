const TICK_MS = 5_000;
const JUMP_MS = 30_000;

/**
 * Looks at both clocks now and then: when the wall clock ran away from the monotonic one (which stands still while a
 * machine sleeps), or a tick came far too late, connections are probably dead.
 */
export class ClockWatch {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(onTick: (now: number) => void, onJump: (jumpMs: number) => void) {
    let wall = Date.now();
    let monotonic = performance.now();
    this.#timer = setInterval(() => {
      const jumpMs = clockJump({ wall, monotonic }, { wall: Date.now(), monotonic: performance.now() });
      wall = Date.now();
      monotonic = performance.now();
      if (jumpMs !== undefined) onJump(jumpMs);
      onTick(monotonic);
    }, TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

interface Reading {
  readonly wall: number;
  readonly monotonic: number;
}

/** How far the clocks parted between two readings one tick apart, when that is too much; in milliseconds. */
export function clockJump(before: Reading, after: Reading): number | undefined {
  const wall = after.wall - before.wall;
  const monotonic = after.monotonic - before.monotonic;
  const jump = Math.abs(wall - monotonic) > JUMP_MS ? wall - monotonic : monotonic - TICK_MS;
  return Math.abs(jump) > JUMP_MS ? Math.round(jump) : undefined;
}
