import * as v from "valibot";
import type { RealtimeEvent } from "#protocol/realtime.ts";

interface Row {
  readonly id: string;
}

/** The rows after one live event, or undefined when the event does not tell enough and they have to be read again. */
export function applyRowEvent<R extends Row>(
  rows: readonly R[],
  event: Pick<RealtimeEvent, "event" | "payload">,
  schema: v.GenericSchema<unknown, R>,
): readonly R[] | undefined {
  const { id } = event.payload;
  if (event.event === "DELETE") return rows.filter((row) => row.id !== id);
  const known = rows.find((row) => row.id === id);
  const parsed = v.safeParse(schema, { ...known, ...event.payload });
  if (!parsed.success) return undefined;
  return known === undefined ? [...rows, parsed.output] : rows.map((row) => row === known ? parsed.output : row);
}
