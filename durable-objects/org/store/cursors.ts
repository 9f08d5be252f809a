/** Up to which revision D1 has the rows of a table. */
export function projectedRev(sql: SqlStorage, table: string): number {
  return sql.exec<{ rev: number }>("SELECT rev FROM projected WHERE name = ?", table).toArray()[0]?.rev ?? 0;
}

export function saveProjectedRev(sql: SqlStorage, table: string, rev: number): void {
  sql.exec("INSERT OR REPLACE INTO projected (name, rev) VALUES (?, ?)", table, rev);
}
