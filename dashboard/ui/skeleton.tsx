/** A grey stand-in for text that is loading. */
export function Skeleton({ className }: { className: string }) {
  return <span aria-hidden="true" className={`block animate-pulse rounded-md bg-hover ${className}`} />;
}

/** A table that is loading, with the outline of a few rows. */
export function TableSkeleton({ label }: { label: string }) {
  return (
    <div role="status" className="rounded-xl border border-line bg-surface shadow-card">
      <span className="sr-only">{label}</span>
      <div className="h-9 rounded-t-xl border-b border-line bg-sunken max-md:hidden" />
      {[40, 56, 32].map((width) => (
        <div key={width} className="flex h-14 items-center gap-6 border-line px-5 not-last:border-b">
          <Skeleton className="h-4 w-40 max-md:w-28" />
          <Skeleton className="h-4 w-24" />
          <Skeleton className="h-4 w-28 max-md:hidden" />
          <Skeleton className="ml-auto h-4 w-16" />
        </div>
      ))}
    </div>
  );
}
