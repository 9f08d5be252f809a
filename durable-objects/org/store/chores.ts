/** When each chore of the alarm is due, in milliseconds. */
export function listChores(sql: SqlStorage): { name: string; due_at: number }[] {
  return sql.exec<{ name: string; due_at: number }>("SELECT name, due_at FROM chores").toArray();
}

export function saveChore(sql: SqlStorage, name: string, dueAt: number): void {
  sql.exec("INSERT OR REPLACE INTO chores (name, due_at) VALUES (?, ?)", name, dueAt);
}

export function dropChore(sql: SqlStorage, name: string): void {
  sql.exec("DELETE FROM chores WHERE name = ?", name);
}
