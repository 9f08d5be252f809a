import { createContext, type ReactNode, useContext, useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import type { RealtimeChannel, RealtimeEvent } from "#protocol/realtime.ts";
import { isAdmin, useOrg } from "./org.tsx";
import { RealtimeSocket } from "./realtime.ts";
import { session } from "./session.ts";

interface Handler {
  readonly channel: RealtimeChannel;
  onEvent(event: RealtimeEvent): void;
  onResume(): void;
}

interface Live {
  /** True while events arrive; false means that lists have to be polled. */
  readonly live: boolean;
  readonly handlers: Set<Handler>;
}

const LiveContext = createContext<Live>({ live: false, handlers: new Set() });

/** How often a list is read again while no events arrive, and as a safety net while they do. */
export const POLL_MS = 10_000;
export const SAFETY_POLL_MS = 60_000;

/** One realtime socket for the org in view. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const { id, role } = useOrg();
  const [live, setLive] = useState(false);
  const handlers = useRef(new Set<Handler>()).current;
  const admin = isAdmin(role);

  useEffect(() => {
    const socket = new RealtimeSocket(id, admin ? ["machines", "keys"] : ["machines"], () => session.freshToken(), {
      onEvent: (event) => handlers.forEach((handler) => handler.channel === event.channel && handler.onEvent(event)),
      onLive: (now) => {
        setLive(now);
        if (now) handlers.forEach((handler) => handler.onResume());
      },
    });
    return () => {
      socket.close();
      setLive(false);
    };
  }, [id, admin, handlers]);

  const value = useMemo(() => ({ live, handlers }), [live, handlers]);
  return <LiveContext value={value}>{children}</LiveContext>;
}

export function useIsLive(): boolean {
  return useContext(LiveContext).live;
}

/** Hears the events of one channel while mounted; `onResume` runs after every gap in them. */
export function useLiveEvents(channel: RealtimeChannel, onEvent: (event: RealtimeEvent) => void, onResume: () => void) {
  const { handlers } = useContext(LiveContext);
  const hear = useEffectEvent(onEvent);
  const resume = useEffectEvent(onResume);
  useEffect(() => {
    const handler = { channel, onEvent: (event: RealtimeEvent) => hear(event), onResume: () => resume() };
    handlers.add(handler);
    return () => void handlers.delete(handler);
  }, [channel, handlers]);
}
