import type { Machine, MachineStatus } from "#protocol/api/machines.ts";
import { statusLabels } from "./status.ts";

export type SortColumn = "name" | "status" | "tailnet_ip" | "version" | "last_seen";

export interface View {
  readonly search: string;
  readonly status: MachineStatus | "all";
  readonly sort: SortColumn;
  readonly descending: boolean;
}

/** The machines a view shows, in its order. Every word of the search must occur in name, address, system, tags or state. */
export function findMachines(machines: readonly Machine[], view: View): readonly Machine[] {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = machines.filter((machine) =>
    (view.status === "all" || machine.status === view.status) && words.every((word) => haystack(machine).includes(word))
  );
  const sign = view.descending ? -1 : 1;
  return found.sort((a, b) => sign * compare(a, b, view.sort) || collator.compare(a.name, b.name));
}

const collator = new Intl.Collator("en", { numeric: true });

function haystack({ name, tailnet_ip, os, tags, status, key_expired, admin_disabled }: Machine): string {
  const marks = [statusLabels[status].text, key_expired && "Key expired", admin_disabled && "Disabled"];
  return [name, tailnet_ip, os, ...tags, ...marks.filter(Boolean)].join("\n").toLowerCase();
}

function compare(a: Machine, b: Machine, column: SortColumn): number {
  if (column === "status") return collator.compare(statusLabels[a.status].text, statusLabels[b.status].text);
  return collator.compare(a[column] ?? "", b[column] ?? "");
}
