import { isCarried, peerOf } from "#domain/netmap/build.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { listMachines, machineOf, type MachineRow } from "./store/machines.ts";

interface PeerText {
  readonly id: MachineId;
  /** As those see it who use its routes, and as the others do. */
  readonly routed: string;
  readonly plain: string;
}

/**
 * Every machine as its peers see it, as JSON: a whole map is put together from these. To read and write all rows anew for
 * each agent that connects would be most of the work when a thousand of them do. A cache: what is lost is read again.
 */
export class PeerTexts {
  readonly #sql: SqlStorage;
  /** By address, which no two machines have; undefined as long as nobody asked. */
  #byAddress: Map<number, PeerText> | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The peers of one machine as a JSON array. */
  listFor(self: MachineId, orgId: OrgId, withRoutes: boolean): string {
    this.#byAddress ??= this.#readAll(orgId);
    const texts: string[] = [];
    for (const { id, routed, plain } of this.#byAddress.values()) {
      if (id !== self) texts.push(withRoutes ? routed : plain);
    }
    return `[${texts.join(",")}]`;
  }

  /** Follows a committed change. */
  apply({ org, machines, deleted }: Change): void {
    const all = this.#byAddress;
    if (all === undefined) return;
    for (const { after } of machines) put(all, after, org.id);
    for (const { address, id } of deleted) if (all.get(address)?.id === id) all.delete(address);
  }

  #readAll(orgId: OrgId): Map<number, PeerText> {
    const all = new Map<number, PeerText>();
    for (const row of listMachines(this.#sql)) put(all, row, orgId);
    return all;
  }
}

function put(all: Map<number, PeerText>, row: MachineRow, orgId: OrgId): void {
  const machine = machineOf(row, orgId);
  if (!isCarried(machine)) return void all.delete(row.address);
  const [routed, plain] = [true, false].map((withRoutes) => JSON.stringify(peerOf(machine, withRoutes)));
  all.set(row.address, { id: row.id, routed: routed!, plain: plain! });
}
