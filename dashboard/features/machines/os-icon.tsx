import { Apple, Monitor } from "lucide-react";

const iconClass = "size-5";

/** The operating system as a picture with a name. */
export function OsIcon({ os }: { os: string | null }) {
  const family = osFamily(os);
  return (
    <span
      role="img"
      aria-label={os ?? "Unknown system"}
      title={os ?? "Unknown system"}
      className="grid size-8 shrink-0 place-items-center rounded-lg bg-idle-soft text-muted"
    >
      {family === "linux" && <Penguin />}
      {family === "windows" && <Panes />}
      {family === "mac" && <Apple className={iconClass} />}
      {family === undefined && <Monitor className={iconClass} />}
    </span>
  );
}

function osFamily(os: string | null): "linux" | "windows" | "mac" | undefined {
  const text = (os ?? "").toLowerCase();
  if (text.includes("darwin") || text.includes("mac")) return "mac";
  if (text.includes("win")) return "windows";
  return /linux|debian|ubuntu|fedora|alpine|arch/.test(text) ? "linux" : undefined;
}

function Penguin() {
  return (
    <svg
      viewBox="0 0 20 20"
      className={iconClass}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
    >
      <path d="M6.7 6.200a3.3 3.7 0 0 1 6.6 0c0 2 2.7 4 2.7 7.200a4 4 0 0 1-1 2.600M4 16a4 4 0 0 1-.9-2.600C4 10.2 6.7 8.2 6.7 6.2" />
      <path d="M10 9.200c-2 0-3.5 2-3.5 4.300s1.5 3.3 3.5 3.3 3.5-1 3.5-3.3-1.5-4.3-3.5-4.300Z" />
      <path d="m8.7 7.6 1.3 1 1.3-1" strokeLinejoin="round" />
      <path d="M4 17.300h3m6 0h3" strokeLinecap="round" />
      <path d="M8.7 5.600h.01m2.59 0h.01" strokeLinecap="round" />
    </svg>
  );
}

function Panes() {
  return (
    <svg viewBox="0 0 20 20" className="size-4.5" fill="currentColor" aria-hidden="true">
      <path d="M2.5 4.4 9 3.500v6H2.500zM10 3.300l7.5-1v7.200H10zM2.5 10.500H9v6l-6.5-.9zM10 10.500h7.500v7.200l-7.5-1z" />
    </svg>
  );
}
