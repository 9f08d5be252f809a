import { type SubmitEvent, useState } from "react";
import { signup } from "#protocol/api/auth.ts";
import { fieldProblems, focusFirstProblem } from "../../form-problems.ts";
import { useProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { Button } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { PasswordField } from "../../ui/password-field.tsx";

export function SignUpForm({ onDone }: { onDone(): void }) {
  const [fullName, setFullName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState<Partial<Record<string, string>>>({});
  const [busy, setBusy] = useState(false);
  const problem = useProblem();

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    problem.clear();
    const input = { email, password, ...(fullName.trim() !== "" && { full_name: fullName }) };
    const found = fieldProblems(signup.request, input);
    setRefused(found ?? {});
    if (found !== undefined) return focusFirstProblem(event.currentTarget);
    setBusy(true);
    try {
      await session.signUp(input);
      onDone();
    } catch (error) {
      problem.report(error);
      setBusy(false);
    }
  };

  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-5">
      {problem.text !== undefined && <Notice tone="bad">{problem.text}</Notice>}
      <Field
        label="Full name (optional)"
        name="name"
        autoComplete="name"
        autoFocus
        value={fullName}
        onChange={(event) => setFullName(event.target.value)}
        problem={refused["full_name"]}
      />
      <Field
        label="Email"
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        problem={refused["email"]}
      />
      <PasswordField
        label="Password"
        name="password"
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        problem={refused["password"]}
        hint="At least 8 characters"
      />
      <Button type="submit" look="primary" busy={busy} className="max-md:h-11">Create account</Button>
    </form>
  );
}
