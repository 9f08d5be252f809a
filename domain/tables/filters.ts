import { ZtnaError } from "#protocol/errors.ts";

export type Row = Record<string, unknown>;

/** One condition on a row: its column equals the value. Equality is the only operator there is. */
export interface Filter {
  readonly column: string;
  readonly value: unknown;
}

/** Filters of a query string: `<column>=eq.<value>`. */
export function filtersOfQuery(query: Readonly<Record<string, string>>): Filter[] {
  return Object.entries(query).map(([column, condition]) => ({ column, value: readEquals(condition) }));
}

/** Filters of a body's `_filters`: `{<column>: <value>}` or `[{column, op: "eq", value}]`; none when it is absent. */
export function filtersOfBody(filters: unknown): Filter[] {
  if (filters === undefined || filters === null) return [];
  if (Array.isArray(filters)) return filters.map(readFilter);
  if (typeof filters !== "object") throw malformed();
  return Object.entries(filters).map(([column, value]) => ({ column, value: scalar(value) }));
}

/** True when the row meets every condition. Values of queries are text, so they are compared as text. */
export function matchesAll(row: Row, filters: readonly Filter[]): boolean {
  return filters.every(({ column, value }) => textOf(row[column]) === textOf(value));
}

/** Refuses filters on columns the table has not. */
export function checkColumns(filters: readonly Filter[], columns: readonly string[]): void {
  for (const { column } of filters) checkColumn(column, columns);
}

export function checkColumn(column: string, columns: readonly string[]): string {
  if (columns.includes(column)) return column;
  throw new ZtnaError("INVALID_INPUT", `Unknown column: ${column.slice(0, 100)}`);
}

function readEquals(condition: string): string {
  if (condition.startsWith("eq.")) return condition.slice(3);
  throw unknownOperator(condition);
}

function readFilter(filter: unknown): Filter {
  if (typeof filter !== "object" || filter === null) throw malformed();
  const { column, op = "eq", value } = filter as Row;
  if (typeof column !== "string") throw malformed();
  if (op !== "eq") throw unknownOperator(String(op));
  return { column, value: scalar(value) };
}

function scalar(value: unknown): unknown {
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value;
  throw malformed();
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? "null" : String(value);
}

function malformed(): ZtnaError {
  return new ZtnaError("INVALID_INPUT", "_filters must be {column: value} or [{column, op, value}]");
}

function unknownOperator(text: string): ZtnaError {
  return new ZtnaError("INVALID_INPUT", `Unknown operator: ${text.slice(0, 100)}. Only eq.<value> is understood.`);
}
