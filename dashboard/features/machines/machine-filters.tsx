import { Search } from "lucide-react";
import { useEffect, useRef } from "react";
import { type Machine, machineStatuses } from "#protocol/api/machines.ts";
import { inputClass } from "../../ui/field.tsx";
import type { View } from "./find-machines.ts";
import { statusLabels } from "./status.ts";

const choices = ["all", "online", "offline", "pending", "quarantined"] as const satisfies readonly [
  "all",
  ...(typeof machineStatuses)[number][],
];

export function MachineFilters({ machines, view, onChange }: {
  machines: readonly Machine[];
  view: View;
  onChange(view: View): void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useSlashKey(() => input.current?.focus());
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-3">
      <div className="relative w-full md:w-72">
        <Search
          className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted"
          aria-hidden
        />
        <input
          ref={input}
          type="search"
          aria-label="Search machines"
          aria-keyshortcuts="/"
          placeholder="Search name, IP, OS or tag"
          value={view.search}
          onChange={(event) => onChange({ ...view, search: event.target.value })}
          onKeyDown={(event) => event.key === "Escape" && onChange({ ...view, search: "" })}
          className={`${inputClass} pl-9`}
        />
      </div>
      <fieldset className="-mx-1 flex min-w-0 gap-1 overflow-x-auto p-1">
        <legend className="sr-only">Status</legend>
        {choices.map((status) => (
          <label
            key={status}
            className="relative flex h-8 shrink-0 items-center gap-1.5 rounded-lg px-2.5 text-[0.8125rem] whitespace-nowrap text-muted hover:bg-hover has-checked:bg-accent-soft has-checked:font-medium has-checked:text-accent-ink has-focus-visible:outline-2 has-focus-visible:outline-accent-ink"
          >
            <input
              type="radio"
              name="status"
              className="sr-only"
              checked={view.status === status}
              onChange={() => onChange({ ...view, status })}
            />
            {status === "all" ? "All" : statusLabels[status].text}
            <span className="tabular-nums opacity-80">{count(machines, status)}</span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}

function count(machines: readonly Machine[], status: View["status"]): number {
  return status === "all" ? machines.length : machines.filter((machine) => machine.status === status).length;
}

/** `/` jumps to the search, as in many tools, unless something is being typed. */
function useSlashKey(jump: () => void): void {
  const latest = useRef(jump);
  latest.current = jump;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [role=dialog]");
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
