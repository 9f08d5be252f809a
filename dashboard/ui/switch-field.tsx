import { type ComponentProps, useId } from "react";

interface SwitchFieldProps extends Omit<ComponentProps<"input">, "type"> {
  label: string;
  hint: string;
}

/** A yes/no choice with its explanation; the whole line can be clicked. */
export function SwitchField({ label, hint, ...props }: SwitchFieldProps) {
  const id = useId();
  return (
    <label className="flex items-start justify-between gap-4 py-3" htmlFor={id}>
      <span>
        <span className="block font-medium">{label}</span>
        <span id={`${id}-hint`} className="block text-muted">{hint}</span>
      </span>
      <input
        {...props}
        id={id}
        type="checkbox"
        role="switch"
        aria-label={label}
        aria-describedby={`${id}-hint`}
        className="relative mt-0.5 h-5 w-9 shrink-0 appearance-none rounded-full bg-control transition-colors before:absolute before:top-0.5 before:left-0.5 before:size-4 before:rounded-full before:bg-on-accent before:shadow-card before:transition-transform checked:bg-accent checked:before:translate-x-4"
      />
    </label>
  );
}
