import { useDeferredValue, useState } from "react";
import type { Machine } from "#protocol/api/machines.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { NothingFoundArt } from "../../ui/illustrations.tsx";
import { findMachines, type View } from "./find-machines.ts";
import { MachineFilters } from "./machine-filters.tsx";
import { MachineTable } from "./machine-table.tsx";

const PAGE = 100;
const everything: View = { search: "", status: "all", sort: "name", descending: false };

/** Search, filter and table. */
export function MachineList({ machines, fresh }: { machines: readonly Machine[]; fresh: ReadonlySet<string> }) {
  const [view, setView] = useState(everything);
  const [most, setMost] = useState(PAGE);
  const found = findMachines(machines, useDeferredValue(view));
  const reset = () => setView({ ...view, search: "", status: "all" });
  return (
    <>
      <MachineFilters machines={machines} view={view} onChange={setView} />
      <p role="status" className="sr-only">{`${found.length} of ${machines.length} machines shown`}</p>
      {found.length === 0
        ? (
          <EmptyState
            art={<NothingFoundArt />}
            title="No machine matches"
            action={<Button onClick={reset}>Clear filters</Button>}
          >
            Nothing fits this search and status.
          </EmptyState>
        )
        : <MachineTable machines={found.slice(0, most)} fresh={fresh} view={view} onSort={setView} />}
      {found.length > most && (
        <div className="mt-4 text-center">
          <Button onClick={() => setMost(most + PAGE)}>{`Show ${Math.min(PAGE, found.length - most)} more`}</Button>
        </div>
      )}
    </>
  );
}
