import { leaseAddress } from "#domain/addressing/pool.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { hasMachineAt } from "./machines.ts";
import type { OrgRow } from "./org.ts";

/** Leases the lowest free address of the pool, inside the caller's transaction; moves the org's mark. */
export function lease(sql: SqlStorage, org: OrgRow, pool: string): number {
  if (org.leased_pool !== pool) startPool(sql, org, pool);
  for (;;) {
    const [released] = sql.exec<{ lowest: number | null }>("SELECT min(address) AS lowest FROM released_addresses")
      .toArray();
    const found = leaseAddress(pool, { next: org.next_address, lowestReleased: released?.lowest ?? undefined });
    if (found === undefined) throw new ZtnaError("QUOTA_EXCEEDED", `The address pool ${pool} is full`);
    org.next_address = found.next;
    if (found.released) sql.exec("DELETE FROM released_addresses WHERE address = ?", found.address);
    if (!hasMachineAt(sql, found.address)) return found.address;
  }
}

/** Gives an address back to be leased again. */
export function release(sql: SqlStorage, address: number): void {
  sql.exec("INSERT OR IGNORE INTO released_addresses VALUES (?)", address);
}

/** Another pool starts from its beginning; machines keep the addresses they have. */
function startPool(sql: SqlStorage, org: OrgRow, pool: string): void {
  sql.exec("DELETE FROM released_addresses");
  org.leased_pool = pool;
  org.next_address = 0;
}
