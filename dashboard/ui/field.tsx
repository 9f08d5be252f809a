import { type ComponentProps, type ReactNode, useId } from "react";

export const inputClass =
  "h-9 w-full rounded-lg border border-control bg-surface px-3 text-ink placeholder:text-muted/80 aria-invalid:border-bad focus-visible:border-accent-ink focus-visible:outline-offset-0 max-md:h-11 max-md:text-base";

interface FieldProps extends ComponentProps<"input"> {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  /** Sits inside the box at its end. */
  trailing?: ReactNode;
}

/** A labelled text input with its hint and its problem, both read out with it. */
export function Field({ label, hint, problem, trailing, className = "", ...props }: FieldProps) {
  const id = useId();
  const described = [problem !== undefined && `${id}-problem`, hint !== undefined && `${id}-hint`].filter(Boolean);
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block font-medium">{label}</label>
      <div className="relative">
        <input
          {...props}
          id={id}
          aria-invalid={problem !== undefined || undefined}
          aria-describedby={described.join(" ") || undefined}
          className={`${inputClass} ${trailing === undefined ? "" : "pr-11"}`}
        />
        {trailing !== undefined && <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div>}
      </div>
      {problem !== undefined && <p id={`${id}-problem`} className="mt-1.5 text-bad-ink">{sentence(problem)}</p>}
      {hint !== undefined && <p id={`${id}-hint`} className="mt-1.5 text-muted">{hint}</p>}
    </div>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
