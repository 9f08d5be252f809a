import type { ReactNode } from "react";

export type Tone = "ok" | "idle" | "warn" | "bad";

const dots: Record<Tone, string> = { ok: "bg-ok", idle: "bg-idle", warn: "bg-warn", bad: "bg-bad" };
const colours: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok-ink",
  idle: "bg-idle-soft text-muted",
  warn: "bg-warn-soft text-warn-ink",
  bad: "bg-bad-soft text-bad-ink",
};

/** A state as colour and text. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-flex h-6 items-center gap-1.5 rounded-full px-2.5 text-xs font-medium whitespace-nowrap ${
        colours[tone]
      }`}
    >
      <span className={`size-1.5 rounded-full ${dots[tone]}`} aria-hidden="true" />
      {children}
    </span>
  );
}

/** A small label without a state, such as a tag. */
export function Chip({ children }: { children: ReactNode }) {
  return <span className="rounded-md bg-idle-soft px-1.5 py-px text-xs whitespace-nowrap text-muted">{children}</span>;
}
