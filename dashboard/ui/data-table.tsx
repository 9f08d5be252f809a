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
      className={`group transition-colors max-md:block max-md:rounded-xl max-md:border max-md:border-line max-md:bg-surface max-md:px-4 max-md:py-3 max-md:shadow-card md:hover:bg-hover/50 ${
        fresh ? "animate-flash" : ""
      }`}
    >
      {children}
    </tr>
  );
}

/** One fact of a row; on a card its label stands before it. Without a label it is the card's title. */
export function DataCell({ label, children, className = "" }: {
  label?: string;
  children: ReactNode;
  className?: string;
}) {
  return (
    <td
      role="cell"
      className={`h-14 px-3 py-2 align-middle first:pl-5 last:pr-5 max-md:flex max-md:h-auto max-md:min-h-8 max-md:items-center max-md:justify-between max-md:gap-4 max-md:p-0! ${className}`}
    >
      {label !== undefined && <span className="shrink-0 text-muted md:hidden">{`${label}: `}</span>}
      {children}
    </td>
  );
}
