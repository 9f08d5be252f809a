import { type SubmitEvent, useState } from "react";
import { AUTH_KEY_DEFAULT_DAYS, createAuthKey } from "#protocol/api/auth-keys.ts";
import { fieldProblems, focusFirstProblem } from "../../form-problems.ts";
import { useOrg } from "../../org.tsx";
import { useProblem } from "../../problem.ts";
import { Button } from "../../ui/button.tsx";
import { DialogActions } from "../../ui/dialog.tsx";
import { Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { SwitchField } from "../../ui/switch-field.tsx";
import { type NewAuthKey, useCreateAuthKey } from "./api.ts";
import { ExpiryField } from "./expiry-field.tsx";

export function CreateForm({ onCreated, onCancel }: { onCreated(key: NewAuthKey): void; onCancel(): void }) {
  const { id: org_id } = useOrg();
  const [name, setName] = useState("");
  const [reusable, setReusable] = useState(false);
  const [ephemeral, setEphemeral] = useState(false);
  const [days, setDays] = useState(AUTH_KEY_DEFAULT_DAYS);
  const [refused, setRefused] = useState<Partial<Record<string, string>>>({});
  const problem = useProblem();
  const create = useCreateAuthKey();

  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    problem.clear();
    const input = { name, reusable, ephemeral, expiry_days: days };
    const found = fieldProblems(createAuthKey.request, { ...input, org_id });
    setRefused(found ?? {});
    if (found !== undefined) return focusFirstProblem(event.currentTarget);
    create.mutate(input, { onSuccess: onCreated, onError: problem.report });
  };

  return (
    <form noValidate onSubmit={submit} className="mt-5">
      {problem.text !== undefined && <Notice tone="bad" className="mb-4">{problem.text}</Notice>}
      <Field
        label="Name"
        name="name"
        autoFocus
        autoComplete="off"
        placeholder="build-servers"
        maxLength={120}
        value={name}
        onChange={(event) => setName(event.target.value)}
        problem={refused["name"]}
      />
      <div className="my-3 divide-y divide-line">
        <SwitchField
          label="Reusable"
          hint="Any number of machines can join with it."
          checked={reusable}
          onChange={(event) => setReusable(event.target.checked)}
        />
        <SwitchField
          label="Ephemeral"
          hint="Its machines are removed some minutes after they go silent."
          checked={ephemeral}
          onChange={(event) => setEphemeral(event.target.checked)}
        />
      </div>
      <ExpiryField days={days} onChange={setDays} problem={refused["expiry_days"]} />
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" look="primary" busy={create.isPending}>Create</Button>
      </DialogActions>
    </form>
  );
}
