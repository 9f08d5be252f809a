import type { SimulatedMachine } from "./machine.ts";

/** How one change of one machine reached all other streams. */
export interface Delivery {
  readonly medianMs: number;
  readonly lastMs: number;
  readonly bytesEach: number;
}

/** Moves the first machine and times the change at all others. */
export async function deliver(machines: readonly SimulatedMachine[], endpoint: string): Promise<Delivery> {
  const [mover, ...others] = machines;
  const times: number[] = [];
  let bytes = 0;
  const started = performance.now();
  const all = new Promise<void>((settle) => {
    for (const machine of others) {
      machine.onDelta = (size) => {
        times.push(performance.now() - started);
        bytes += size;
        if (times.length === others.length) settle();
      };
    }
  });
  mover!.move(endpoint);
  await all;
  for (const machine of others) machine.catchUp();
  return { medianMs: times[times.length >> 1]!, lastMs: times.at(-1)!, bytesEach: bytes / others.length };
}
