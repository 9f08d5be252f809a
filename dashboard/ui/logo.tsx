/** Two points that reach each other through two others: the mark of the product. */
export function Logo({ className = "size-7" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        d="M9 10 23 10 9 22 23 22"
        fill="none"
        className="stroke-on-accent"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <g className="fill-on-accent">
        <circle cx="9" cy="10" r="3.1" />
        <circle cx="23" cy="22" r="3.1" />
      </g>
      <g className="fill-accent stroke-on-accent" strokeWidth="2">
        <circle cx="23" cy="10" r="2.2" />
        <circle cx="9" cy="22" r="2.2" />
      </g>
    </svg>
  );
}
