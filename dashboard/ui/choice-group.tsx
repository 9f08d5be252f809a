interface ChoiceGroupProps<T extends string> {
  label: string;
  name: string;
  options: readonly { value: T; text: string }[];
  value: T;
  onChange(value: T): void;
}

/** One of a few, side by side; arrow keys move between them. */
export function ChoiceGroup<T extends string>({ label, name, options, value, onChange }: ChoiceGroupProps<T>) {
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">{label}</legend>
      <div className="flex flex-wrap gap-1.5 max-md:gap-1">
        {options.map((option) => (
          <label
            key={option.value}
            className="relative inline-flex h-8 items-center rounded-lg border border-control/50 px-3 max-md:px-2.5 text-muted transition-colors hover:bg-hover has-checked:border-accent-ink has-checked:bg-accent-soft has-checked:font-medium has-checked:text-accent-ink has-focus-visible:outline-2 has-focus-visible:outline-accent-ink has-focus-visible:outline-offset-2 max-md:h-10"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="sr-only"
            />
            {option.text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
