import type { ReactNode } from "react";

interface DataTableProps {
  label: string;
  /** Header cells. */
  head: ReactNode;
  children: ReactNode;
}

/**
 * A table that turns each row into a card on a phone. The roles stand there because `display: block` takes a table's
 * own away.
 */
export function DataTable({ label, head, children }: DataTableProps) {
  return (
    <div className="md:overflow-x-auto md:rounded-xl md:border md:border-line md:bg-surface md:shadow-card">
      <table role="table" aria-label={label} className="w-full border-collapse text-left max-md:block">
        <thead role="rowgroup" className="max-md:sr-only">
          <tr role="row" className="border-b border-line bg-sunken">{head}</tr>
        </thead>
        <tbody role="rowgroup" className="max-md:grid max-md:gap-3 md:divide-y md:divide-line">{children}</tbody>
      </table>
    </div>
  );
}

export function HeadCell({ children, sort }: { children?: ReactNode; sort?: "ascending" | "descending" | undefined }) {
  return (
    <th role="columnheader" scope="col" aria-sort={sort} className={`${headClass} first:pl-5 last:pr-5`}>
      {children}
    </th>
  );
}

export const headClass = "h-9 px-3 text-xs font-medium whitespace-nowrap text-muted";

export function DataRow({ children, fresh = false }: { children: ReactNode; fresh?: boolean }) {
  return (
    <tr
      role="row"
      className={`group transition-colors max-md:grid max-md:grid-cols-[minmax(0,1fr)_auto] max-md:items-center max-md:rounded-xl max-md:border max-md:border-line max-md:bg-surface max-md:px-4 max-md:py-3 max-md:shadow-card md:hover:bg-hover/50 ${
        fresh ? "animate-flash" : ""
      }`}
    >
      {children}
    </tr>
  );
}

interface DataCellProps {
  /** Stands before the fact on a card. */
  label?: string;
  /** On a card the title and the corner share the first line; other cells have a line each. */
  place?: "title" | "corner" | "line";
  children: ReactNode;
  className?: string;
}

const places = {
  title: "max-md:-order-2 max-md:mb-2",
  corner: "max-md:-order-1 max-md:mb-2",
  line: "max-md:col-span-2",
};

/** One fact of a row. */
export function DataCell({ label, place = "line", children, className = "" }: DataCellProps) {
  return (
    <td
      role="cell"
      className={`h-14 px-3 py-2 align-middle first:pl-5 last:pr-5 max-md:flex max-md:h-auto max-md:min-h-8 max-md:items-center max-md:justify-between max-md:gap-4 max-md:p-0! ${
        places[place]
      } ${className}`}
    >
      {label !== undefined && <span className="shrink-0 text-muted md:hidden">{`${label}: `}</span>}
      {children}
    </td>
  );
}
