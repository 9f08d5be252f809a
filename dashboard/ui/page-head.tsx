import type { ReactNode } from "react";

/** The title of a page, a line about it, and its one main action. */
export function PageHead({ title, note, action }: { title: string; note?: ReactNode; action?: ReactNode }) {
  return (
    <div className="mb-6">
      <div className="flex min-h-9 items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {action}
      </div>
      {note !== undefined && <div className="mt-1 flex flex-wrap gap-x-4 text-muted">{note}</div>}
    </div>
  );
}
