import { useState } from "react";
import { ChoiceGroup } from "../../ui/choice-group.tsx";
import { Field } from "../../ui/field.tsx";
import { dayText } from "../../ui/time-text.tsx";

const presets = [1, 7, 30, 90];
const options = [
  ...presets.map((days) => ({ value: String(days), text: days === 1 ? "1 day" : `${days} days` })),
  { value: "other", text: "Other" },
];

/** How many days a key lives: a usual number, or any other; NaN while none is given. */
export function ExpiryField({ days, onChange, problem }: {
  days: number;
  onChange(days: number): void;
  problem?: string | undefined;
}) {
  const [other, setOther] = useState(!presets.includes(days));
  const choose = (value: string) => {
    setOther(value === "other");
    if (value !== "other") onChange(Number(value));
  };
  return (
    <>
      <ChoiceGroup
        label="Expiry"
        name="expiry"
        options={options}
        value={other ? "other" : String(days)}
        onChange={choose}
      />
      {other && (
        <Field
          label="Days until it expires"
          type="number"
          inputMode="numeric"
          min={1}
          max={365}
          step={1}
          value={Number.isNaN(days) ? "" : days}
          onChange={(event) => onChange(event.target.valueAsNumber)}
          problem={problem && "must be a whole number between 1 and 365"}
          className="mt-3 max-w-56"
        />
      )}
      <p className="mt-2 text-muted">{expiryText(days)}</p>
    </>
  );
}

function expiryText(days: number): string {
  if (!Number.isInteger(days) || days < 1 || days > 365) return "Between 1 and 365 days";
  return `Expires on ${dayText(new Date(Date.now() + days * 86_400_000))}. Machines that have joined stay.`;
}
