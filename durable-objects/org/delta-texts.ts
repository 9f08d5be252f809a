import type { MachineId } from "#protocol/ids.ts";
import type { View } from "#protocol/netmap.ts";
import { deltaFor, type Listener, type Shift } from "./roster.ts";

/**
 * The messages of one shift as text. Whoever sees alike and did not change itself hears the same of it, up to where its
 * own map stands: that is worked out once and not for each of a thousand streams.
 */
export class DeltaTexts {
  readonly shift: Shift;
  readonly #changed: ReadonlySet<MachineId>;
  readonly #endings = new Map<View, string | undefined>();

  constructor(shift: Shift) {
    this.shift = shift;
    this.#changed = new Set(shift.machines.map(({ after }) => after.id));
  }

  /** The message for one listener; undefined when the shift does not concern it. */
  textFor(listener: Listener): string | undefined {
    const ending = this.#changed.has(listener.machineId) ? this.#endingFor(listener) : this.#sharedEnding(listener);
    return ending && `{"type":"delta","delta":{"since":${listener.seq},${ending}`;
  }

  #sharedEnding(listener: Listener): string | undefined {
    const { view } = listener;
    if (!this.#endings.has(view)) this.#endings.set(view, this.#endingFor(listener));
    return this.#endings.get(view);
  }

  #endingFor(listener: Listener): string | undefined {
    const delta = deltaFor(listener, this.shift);
    if (delta === undefined) return undefined;
    const { since: _, ...rest } = delta;
    return `${JSON.stringify(rest).slice(1)}}`;
  }
}
