import { ZtnaError } from "#protocol/errors.ts";

type Row = Record<string, unknown>;

const MAX_ROWS = 10_000;

/**
 * Applies the table API's query to rows: `<column>=eq.<value>` filters, `select=a,b`, `order=<column>[.desc]`,
 * `ascending=false`, `limit=N`. A column the table has not is refused.
 */
export function selectRows(rows: readonly Row[], columns: readonly string[], query: Record<string, string>): Row[] {
  const { select, order, ascending, limit, ...filters } = query;
  const known = (column: string) => {
    if (!columns.includes(column)) throw new ZtnaError("INVALID_INPUT", `Unknown column: ${column.slice(0, 100)}`);
    return column;
  };
  const wanted = Object.entries(filters).map(([column, condition]) => [known(column), readEquals(condition)] as const);
  const found = rows.filter((row) => wanted.every(([column, value]) => matches(row[column], value)));
  if (order !== undefined) sortRows(found, known(order.replace(/\.(asc|desc)$/, "")), isDescending(order, ascending));
  const shown = found.slice(0, readLimit(limit));
  if (select === undefined || select === "*") return shown;
  const kept = select.split(",").map((column) => known(column.trim()));
  return shown.map((row) => Object.fromEntries(kept.map((column) => [column, row[column]])));
}

function readEquals(condition: string): string {
  if (condition.startsWith("eq.")) return condition.slice(3);
  throw new ZtnaError("INVALID_INPUT", `Unknown operator: ${condition.slice(0, 100)}. Only eq.<value> is understood.`);
}

function matches(value: unknown, wanted: string): boolean {
  return value === null ? wanted === "null" : String(value) === wanted;
}

function isDescending(order: string, ascending: string | undefined): boolean {
  return order.endsWith(".desc") || ascending === "false";
}

function sortRows(rows: Row[], column: string, descending: boolean): void {
  const sign = descending ? -1 : 1;
  rows.sort((a, b) => sign * compare(a[column], b[column]));
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [String(a ?? ""), String(b ?? "")];
  return left < right ? -1 : left > right ? 1 : 0;
}

function readLimit(limit: string | undefined): number {
  if (limit === undefined) return MAX_ROWS;
  const count = Number(limit);
  if (Number.isInteger(count) && count >= 0) return Math.min(count, MAX_ROWS);
  throw new ZtnaError("INVALID_INPUT", "limit must be a whole number");
}
