import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type * as v from "valibot";
import type { RealtimeChannel } from "#protocol/realtime.ts";
import { useLiveEvents } from "./live.tsx";
import { applyRowEvent } from "./row-events.ts";

/** Keeps a list in the query cache up with its live events. Returns the ids that appeared while it was in view. */
export function useLiveRows<R extends { readonly id: string }>(
  channel: RealtimeChannel,
  queryKey: QueryKey,
  schema: v.GenericSchema<unknown, R>,
): ReadonlySet<string> {
  const client = useQueryClient();
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const readAgain = () => void client.invalidateQueries({ queryKey });

  useLiveEvents(channel, (event) => {
    const rows = client.getQueryData<readonly R[]>(queryKey);
    const next = rows && applyRowEvent(rows, event, schema);
    if (next !== undefined) client.setQueryData(queryKey, next);
    if (next !== undefined && next.length > (rows?.length ?? 0)) {
      setFresh(new Set(fresh).add(String(event.payload["id"])));
    }
    // An answer already under way may be older than this event.
    if (next === undefined || client.isFetching({ queryKey }) > 0) readAgain();
  }, readAgain);
  return fresh;
}
