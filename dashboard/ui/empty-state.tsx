import type { ReactNode } from "react";

interface EmptyStateProps {
  art: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

/** What a list shows when there is nothing in it yet, and the way on. */
export function EmptyState({ art, title, children, action }: EmptyStateProps) {
  return (
    <section className="flex flex-col items-center rounded-xl border border-line bg-surface px-6 py-12 text-center shadow-card">
      {art}
      <h2 className="mt-6 text-base font-semibold">{title}</h2>
      <div className="mt-1.5 max-w-md text-balance text-muted">{children}</div>
      {action !== undefined && <div className="mt-6 flex flex-wrap justify-center gap-2">{action}</div>}
    </section>
  );
}
