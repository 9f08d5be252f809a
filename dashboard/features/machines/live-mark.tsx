import { useEffect, useState } from "react";
import { useIsLive } from "../../live.tsx";

/** Says whether changes arrive by themselves. A short gap is not worth a word. */
export function LiveMark() {
  const live = useIsLive();
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (live) setSettled(true);
    const timer = setTimeout(() => setSettled(true), 4000);
    return () => clearTimeout(timer);
  }, [live]);
  if (!live && !settled) return null;
  return (
    <span
      role="status"
      className="flex items-center gap-1.5"
      title={live ? "Changes appear here by themselves" : "The list is read again every few seconds"}
    >
      <span className={`size-1.5 rounded-full ${live ? "bg-ok" : "bg-warn"}`} aria-hidden="true" />
      {live ? "Live" : "Reconnecting…"}
    </span>
  );
}
