import { ArrowDown, ArrowUp } from "lucide-react";
import type { Machine } from "#protocol/api/machines.ts";
import { Badge, Chip } from "../../ui/badge.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { DataCell, DataRow, DataTable, HeadCell } from "../../ui/data-table.tsx";
import { TimeAgo } from "../../ui/time-text.tsx";
import type { SortColumn, View } from "./find-machines.ts";
import { OsIcon } from "./os-icon.tsx";
import { statusLabels } from "./status.ts";

const columns: readonly { id: SortColumn; text: string }[] = [
  { id: "name", text: "Machine" },
  { id: "status", text: "Status" },
  { id: "tailnet_ip", text: "Tailnet IP" },
  { id: "version", text: "Version" },
  { id: "last_seen", text: "Last seen" },
];

export function MachineTable({ machines, fresh, view, onSort }: {
  machines: readonly Machine[];
  fresh: ReadonlySet<string>;
  view: View;
  onSort(view: View): void;
}) {
  const head = columns.map(({ id, text }) => (
    <HeadCell key={id} sort={view.sort === id ? (view.descending ? "descending" : "ascending") : undefined}>
      <button
        type="button"
        onClick={() =>
          onSort({ ...view, sort: id, descending: view.sort === id && !view.descending })}
        className="-ml-1.5 inline-flex items-center gap-1 rounded-sm px-1.5 py-1 hover:text-ink"
      >
        {text}
        {view.sort === id && (view.descending ? <ArrowDown className="size-3" /> : <ArrowUp className="size-3" />)}
      </button>
    </HeadCell>
  ));
  return (
    <DataTable label="Machines" head={head}>
      {machines.map((machine) => <MachineRow key={machine.id} machine={machine} fresh={fresh.has(machine.id)} />)}
    </DataTable>
  );
}

function MachineRow({ machine, fresh }: { machine: Machine; fresh: boolean }) {
  const { text, tone } = statusLabels[machine.status];
  return (
    <DataRow fresh={fresh}>
      <DataCell place="title">
        <div className="flex min-w-0 items-center gap-3">
          <OsIcon os={machine.os} />
          <div className="min-w-0">
            <div className="font-medium break-words">{machine.name}</div>
            {(machine.tags.length > 0 || machine.ephemeral) && (
              <div className="mt-0.5 flex flex-wrap gap-1">
                {machine.ephemeral && <Chip>Ephemeral</Chip>}
                {machine.tags.map((tag) => <Chip key={tag}>{tag}</Chip>)}
              </div>
            )}
          </div>
        </div>
      </DataCell>
      <DataCell place="corner">
        <span className="inline-flex items-center gap-2 max-md:flex-col max-md:items-end max-md:gap-1">
          <Badge tone={tone}>{text}</Badge>
          {machine.key_expired && <Badge tone="warn">Key expired</Badge>}
          {machine.admin_disabled && <Chip>Disabled</Chip>}
        </span>
      </DataCell>
      <DataCell label="Tailnet IP">
        <span className="inline-flex items-center gap-1 max-md:-mr-2">
          <span className="font-mono text-[0.8125rem] tabular-nums">{machine.tailnet_ip}</span>
          <CopyButton value={machine.tailnet_ip} what={`${machine.name}'s IP`} />
        </span>
      </DataCell>
      <DataCell label="Version" className="text-muted">{machine.version ?? "–"}</DataCell>
      <DataCell label="Last seen" className="whitespace-nowrap text-muted">
        <TimeAgo iso={machine.last_seen} />
      </DataCell>
    </DataRow>
  );
}
