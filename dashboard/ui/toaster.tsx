import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { currentToasts, dismissToast, subscribeToasts } from "./toast.ts";

/** Short messages in a corner, read out politely; one live region that stays in the page. */
export function Toaster() {
  const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
  return (
    <div
      role="status"
      aria-live="polite"
      data-toaster
      className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-center gap-2 sm:left-auto sm:items-end"
    >
      {toasts.map(({ id, text, tone }) => (
        <div
          key={id}
          className="pointer-events-auto flex animate-pop items-center gap-2.5 rounded-xl border border-line bg-surface py-2 pr-2 pl-3.5 shadow-pop"
        >
          {tone === "ok"
            ? <CircleCheck className="size-4 shrink-0 text-ok-ink" aria-hidden="true" />
            : <CircleAlert className="size-4 shrink-0 text-bad-ink" aria-hidden="true" />}
          <span>{text}</span>
          <button
            type="button"
            aria-label="Dismiss"
            onClick={() => dismissToast(id)}
            className="grid size-7 place-items-center rounded-md text-muted hover:bg-hover hover:text-ink"
          >
            <X className="size-3.5" />
          </button>
        </div>
      ))}
    </div>
  );
}
