import { Logo } from "../ui/logo.tsx";
import { Skeleton, TableSkeleton } from "../ui/skeleton.tsx";

/** The frame while its orgs are being read. */
export function FramePending() {
  return (
    <>
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex h-14 max-w-6xl items-center gap-3 px-4 md:px-6">
          <Logo />
          <Skeleton className="h-4 w-28" />
          <Skeleton className="ml-auto size-8 rounded-full" />
        </div>
      </header>
      <main id="main" className="mx-auto max-w-6xl px-4 py-8 md:px-6">
        <Skeleton className="mb-6 h-6 w-40" />
        <TableSkeleton label="Loading" />
      </main>
    </>
  );
}
