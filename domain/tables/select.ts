import { ZtnaError } from "#protocol/errors.ts";
import { checkColumn, checkColumns, type Filter, filtersOfQuery, matchesAll, type Row } from "./filters.ts";

const MAX_ROWS = 10_000;
const MAX_PAGE_ROWS = 100;
const PAGE_ROWS = 20;

/** Which rows of a table are asked for, in which order, and which of their columns. */
export interface Selection {
  readonly filters: readonly Filter[];
  readonly order: { readonly column: string; readonly descending: boolean } | undefined;
  /** The first row shown and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Undefined means all of them. */
  readonly columns: readonly string[] | undefined;
}

/**
 * Reads the table API's query: `<column>=eq.<value>` filters, `select=a,b`, `order=<column>[.desc]`, `ascending=false`, and a page of
 * at most 100 rows by `limit` or `range_from` and `range_to` (exclusive). Without a page all rows are meant. A column the table
 * has not is refused.
 */
export function readSelection(query: Readonly<Record<string, string>>, known: readonly string[]): Selection {
  const { select, order, ascending, limit, range_from, range_to, ...conditions } = query;
  const filters = filtersOfQuery(conditions);
  checkColumns(filters, known);
  return {
    filters,
    order: order === undefined ? undefined : {
      column: checkColumn(order.replace(/\.(asc|desc)$/, ""), known),
      descending: order.endsWith(".desc") || ascending === "false",
    },
    ...readPage(limit, range_from, range_to),
    columns: select === undefined || select === "*"
      ? undefined
      : select.split(",").map((column) => checkColumn(column.trim(), known)),
  };
}

export function selectRows(rows: readonly Row[], { filters, order, from, to, columns }: Selection): Row[] {
  const found = rows.filter((row) => matchesAll(row, filters));
  if (order !== undefined) sortRows(found, order.column, order.descending);
  const shown = found.slice(from, to);
  if (columns === undefined) return shown;
  return shown.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
}

function readPage(limit: string | undefined, rangeFrom: string | undefined, rangeTo: string | undefined) {
  if (limit === undefined && rangeFrom === undefined && rangeTo === undefined) return { from: 0, to: MAX_ROWS };
  const from = readCount("range_from", rangeFrom) ?? 0;
  const end = readCount("range_to", rangeTo);
  const most = readCount("limit", limit) ?? (end === undefined ? PAGE_ROWS : MAX_PAGE_ROWS);
  return { from, to: Math.max(from, Math.min(end ?? Infinity, from + Math.min(most, MAX_PAGE_ROWS))) };
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ZtnaError("INVALID_INPUT", `${name} must be a whole number`);
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
