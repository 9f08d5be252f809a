import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type SubmitEvent, useState } from "react";
import { createOrg } from "#protocol/api/orgs.ts";
import { fieldProblems, focusFirstProblem } from "../../form-problems.ts";
import { type Org, orgsQuery, rememberOrg } from "../../org.tsx";
import { useProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { Button, buttonClass } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { Logo } from "../../ui/logo.tsx";
import { Notice } from "../../ui/notice.tsx";
import { usePageTitle } from "../../ui/page-title.ts";

export function CreateOrgPage() {
  usePageTitle("Create organization");
  const navigate = useNavigate();
  const client = useQueryClient();
  const hasOrg = (useQuery(orgsQuery()).data?.length ?? 0) > 0;
  const [name, setName] = useState("");
  const [nameProblem, setNameProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const problem = useProblem();

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    problem.clear();
    const refused = fieldProblems(createOrg.request, { name });
    setNameProblem(refused?.["name"]);
    if (refused !== undefined) return focusFirstProblem(event.currentTarget);
    setBusy(true);
    try {
      const org = await session.request(createOrg, { name });
      rememberOrg(org);
      client.setQueryData<Org[]>(orgsQuery().queryKey, (orgs) => [...(orgs ?? []), org]);
      await navigate({ to: "/machines" });
    } catch (error) {
      problem.report(error);
      setBusy(false);
    }
  };

  return (
    <main id="main" className="mx-auto flex min-h-dvh max-w-md flex-col justify-center px-4 py-10">
      <Logo className="mb-6 size-10" />
      <h1 className="text-xl font-semibold">Create your organization</h1>
      <p className="mt-1.5 text-muted">
        An organization is one private network: its machines, its people and its keys. You will be its owner.
      </p>
      <form noValidate onSubmit={(event) => void submit(event)} className="mt-6 grid gap-5">
        {problem.text !== undefined && <Notice tone="bad">{problem.text}</Notice>}
        <Field
          label="Organization name"
          name="name"
          autoFocus
          autoComplete="organization"
          placeholder="Acme"
          value={name}
          onChange={(event) => setName(event.target.value)}
          problem={nameProblem}
          hint="You can change the name later."
        />
        <div className="flex gap-2 max-sm:flex-col">
          <Button type="submit" look="primary" busy={busy} className="max-md:h-11">Create organization</Button>
          {hasOrg
            ? <Link to="/machines" className={`${buttonClass("quiet")} max-md:h-11`}>Cancel</Link>
            : (
              <Button look="quiet" className="max-md:h-11" onClick={() => void session.signOut()}>
                Sign out
              </Button>
            )}
        </div>
      </form>
    </main>
  );
}
