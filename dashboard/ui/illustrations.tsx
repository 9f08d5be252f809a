const frame = "h-32 w-56";

/** Machines around a hub that wait to be joined. */
export function MeshArt({ className = frame }: { className?: string }) {
  return (
    <svg viewBox="0 0 224 128" className={className} fill="none" aria-hidden="true">
      <g className="stroke-line" strokeWidth="1.5" strokeDasharray="3 5" strokeLinecap="round">
        <path d="M112 64 44 34M112 64 44 98M112 64l68-30M112 64l68 34M44 34v64M180 34v64" />
      </g>
      <g className="fill-surface stroke-control" strokeWidth="1.5">
        <Screen x={26} y={20} />
        <Screen x={162} y={20} />
        <Box x={30} y={82} />
        <Box x={166} y={82} />
      </g>
      <circle cx="112" cy="64" r="26" className="fill-accent-soft" />
      <circle cx="112" cy="64" r="16" className="fill-accent" />
      <path
        d="M106.5 58h11l-11 12h11"
        className="stroke-on-accent"
        strokeWidth="2.2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** A key with nothing on its ring yet. */
export function KeyArt() {
  return (
    <svg viewBox="0 0 224 128" className={frame} fill="none" aria-hidden="true">
      <rect x="34" y="26" width="156" height="76" rx="14" className="fill-sunken stroke-line" strokeWidth="1.5" />
      <circle cx="82" cy="64" r="22" className="fill-accent-soft stroke-accent" strokeWidth="2.5" />
      <circle cx="82" cy="64" r="8" className="fill-surface stroke-accent" strokeWidth="2.5" />
      <path
        d="M104 64h58m-8 0v14m-16-14v10"
        className="stroke-accent"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <g className="stroke-control" strokeWidth="1.5" strokeLinecap="round" strokeDasharray="2 5">
        <path d="M34 44h20M34 64h14M34 84h20" />
      </g>
    </svg>
  );
}

/** A search that found nothing. */
export function NothingFoundArt() {
  return (
    <svg viewBox="0 0 224 128" className={frame} fill="none" aria-hidden="true">
      <g className="fill-sunken stroke-line" strokeWidth="1.5">
        <rect x="42" y="26" width="140" height="22" rx="7" />
        <rect x="42" y="54" width="140" height="22" rx="7" />
        <rect x="42" y="82" width="140" height="22" rx="7" />
      </g>
      <circle cx="122" cy="62" r="24" className="fill-surface stroke-accent" strokeWidth="2.5" />
      <path d="m140 80 18 18" className="stroke-accent" strokeWidth="4" strokeLinecap="round" />
      <path d="M112 62h20" className="stroke-control" strokeWidth="2.5" strokeLinecap="round" />
    </svg>
  );
}

/** Two machines whose line is cut. */
export function BrokenLinkArt() {
  return (
    <svg viewBox="0 0 224 128" className={frame} fill="none" aria-hidden="true">
      <path
        d="M62 64h34m32 0h34"
        className="stroke-control"
        strokeWidth="1.5"
        strokeDasharray="3 5"
        strokeLinecap="round"
      />
      <g className="fill-surface stroke-control" strokeWidth="1.5">
        <Screen x={26} y={50} />
        <Screen x={162} y={50} />
      </g>
      <circle cx="112" cy="64" r="20" className="fill-bad-soft" />
      <path d="m105 57 14 14m0-14-14 14" className="stroke-bad" strokeWidth="2.5" strokeLinecap="round" />
    </svg>
  );
}

function Screen({ x, y }: { x: number; y: number }) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect width="36" height="24" rx="4" />
      <path d="M18 24v5m-7 0h14" strokeLinecap="round" />
    </g>
  );
}

function Box({ x, y }: { x: number; y: number }) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect width="28" height="13" rx="3" />
      <rect y="16" width="28" height="13" rx="3" />
      <path d="M6 6.5h.1M6 22.5h.1M17 6.5h5M17 22.5h5" strokeLinecap="round" />
    </g>
  );
}
