import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import type { Machine } from "#protocol/api/machines.ts";
import { isAdmin, useOrg } from "../../org.tsx";
import { describeProblem } from "../../problem.ts";
import { buttonClass } from "../../ui/button.tsx";
import { PageHead } from "../../ui/page-head.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { ProblemPanel } from "../../ui/problem-panel.tsx";
import { TableSkeleton } from "../../ui/skeleton.tsx";
import { useMachines } from "./api.ts";
import { LiveMark } from "./live-mark.tsx";
import { MachineList } from "./machine-list.tsx";
import { NoMachines } from "./no-machines.tsx";

export function MachinesPage() {
  usePageTitle("Machines");
  const { role } = useOrg();
  const { data, error, isFetching, refetch, fresh } = useMachines();
  return (
    <>
      <PageHead
        title="Machines"
        note={
          <>
            <span>
              {data === undefined || data.length === 0 ? "Everything on your private network" : countText(data)}
            </span>
            <LiveMark />
          </>
        }
        action={isAdmin(role) && data !== undefined && data.length > 0 && (
          <Link to="/settings/auth-keys" search={{ create: true }} className={buttonClass("primary")}>
            <Plus className="size-4" aria-hidden="true" /> Add machine
          </Link>
        )}
      />
      {data !== undefined && (data.length === 0 ? <NoMachines /> : <MachineList machines={data} fresh={fresh} />)}
      {data === undefined && error === null && <TableSkeleton label="Loading machines" />}
      {data === undefined && error !== null && (
        <ProblemPanel
          title="The machines could not be read"
          text={describeProblem(error)}
          busy={isFetching}
          onRetry={() => void refetch()}
        />
      )}
    </>
  );
}

function countText(machines: readonly Machine[]): string {
  const connected = machines.filter(({ status }) => status === "online").length;
  return `${machines.length} ${machines.length === 1 ? "machine" : "machines"}, ${connected} connected`;
}
