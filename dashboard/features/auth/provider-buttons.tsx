import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { useProblem } from "../../problem.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/notice.tsx";
import { providerPage, providersQuery } from "./providers.ts";

/** A button for each sign-in provider that is set up; nothing where there is none. `chosen` needs no click. */
export function ProviderButtons({ next, chosen }: { next: string | undefined; chosen: string | undefined }) {
  const providers = useQuery(providersQuery()).data ?? [];
  const [leaving, setLeaving] = useState<string>();
  const problem = useProblem();
  const { report, clear } = problem;

  const leave = useCallback(async (id: string) => {
    clear();
    setLeaving(id);
    try {
      location.assign(await providerPage(id, next));
    } catch (error) {
      report(error);
      setLeaving(undefined);
    }
  }, [next, clear, report]);

  const isKnown = providers.some(({ id }) => id === chosen);
  useEffect(() => {
    if (chosen !== undefined && isKnown) void leave(chosen);
  }, [chosen, isKnown, leave]);

  if (providers.length === 0) return null;
  return (
    <div className="mb-5 grid gap-2.5">
      {problem.text !== undefined && <Notice tone="bad">{problem.text}</Notice>}
      {providers.map(({ id, name }) => (
        <Button
          key={id}
          className="max-md:h-11"
          busy={leaving === id}
          disabled={leaving !== undefined}
          onClick={() => void leave(id)}
        >
          Continue with {name}
        </Button>
      ))}
      <p className="mt-2.5 flex items-center gap-3 text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        or
      </p>
    </div>
  );
}
