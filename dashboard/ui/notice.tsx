import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const tones = {
  info: { icon: Info, className: "bg-accent-soft text-accent-ink" },
  warn: { icon: TriangleAlert, className: "bg-warn-soft text-warn-ink" },
  bad: { icon: CircleAlert, className: "bg-bad-soft text-bad-ink" },
};

/** A short message inside a form or dialog; a bad one is read out at once. */
export function Notice({ tone, children, className = "" }: {
  tone: keyof typeof tones;
  children: ReactNode;
  className?: string;
}) {
  const { icon: Icon, className: colours } = tones[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : undefined}
      className={`flex gap-2.5 rounded-lg px-3 py-2.5 ${colours} ${className}`}
    >
      <Icon className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      <div className="min-w-0">{children}</div>
    </div>
  );
}
