import { useEffect, useState } from "react";

const STEPS = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
] as const;
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** "3 minutes ago", kept up to date; the exact time as its title. */
export function TimeAgo({ iso }: { iso: string }) {
  const now = useNow(20_000);
  return <time dateTime={iso} title={exact.format(new Date(iso))}>{timeAgo(iso, now)}</time>;
}

/** "Dec 1, 2026"; the exact time as its title. */
export function DayText({ iso }: { iso: string }) {
  return <time dateTime={iso} title={exact.format(new Date(iso))}>{dayText(new Date(iso))}</time>;
}

export function dayText(date: Date): string {
  return day.format(date);
}

/** The present time, ticking. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

function timeAgo(iso: string, now: number): string {
  let amount = Math.min(0, (Date.parse(iso) - now) / 1000);
  if (amount > -59.5) return "just now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(Math.round(amount)) < size) return words.format(Math.round(amount), unit);
    amount /= size;
  }
  return day.format(new Date(iso));
}
