import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { describeProblem } from "../problem.ts";
import { ProblemPanel } from "../ui/problem-panel.tsx";

/** A page that could not be shown at all. */
export function PageProblem({ error }: ErrorComponentProps) {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const retry = () => {
    setBusy(true);
    void router.invalidate().finally(() => setBusy(false));
  };
  return (
    <main id="main" className="mx-auto max-w-xl px-4 py-16">
      <ProblemPanel title="This page could not be loaded" text={describeProblem(error)} busy={busy} onRetry={retry} />
    </main>
  );
}
