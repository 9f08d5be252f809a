import { type SubmitEvent, useState } from "react";
import { login } from "#protocol/api/auth.ts";
import { fieldProblems, focusFirstProblem } from "../../form-problems.ts";
import { useProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { Button } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { PasswordField } from "../../ui/password-field.tsx";

export function SignInForm({ onDone }: { onDone(): void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState<Partial<Record<string, string>>>({});
  const [busy, setBusy] = useState(false);
  const problem = useProblem();

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    problem.clear();
    const input = { email, password };
    const found = { ...fieldProblems(login.request, input), ...(password === "" && { password: "password required" }) };
    setRefused(found);
    if (Object.keys(found).length > 0) return focusFirstProblem(event.currentTarget);
    setBusy(true);
    try {
      await session.signIn(input);
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
        label="Email"
        type="email"
        name="email"
        autoComplete="username"
        autoFocus
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        problem={refused["email"]}
      />
      <PasswordField
        label="Password"
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        problem={refused["password"]}
      />
      <Button type="submit" look="primary" busy={busy} className="max-md:h-11">Sign in</Button>
    </form>
  );
}
