import type { ReactNode } from "react";

/** The title of a page, a line about it, and its one main action. */
export function PageHead({ title, note, action }: { title: string; note?: ReactNode; action?: ReactNode }) {
  return (
    <div className="mb-6 flex flex-wrap items-start justify-between gap-3">
      <div>
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {note !== undefined && <div className="mt-1 flex flex-wrap gap-x-4 text-muted">{note}</div>}
      </div>
      {action}
    </div>
  );
}
