import { useNavigate } from "@tanstack/react-router";
import { describeProblem } from "../../problem.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/notice.tsx";
import { useAcceptInvitation } from "./api.ts";

export function JoinPanel({ token, org }: { token: string; org: string }) {
  const navigate = useNavigate();
  const joining = useAcceptInvitation(token);
  const join = () => joining.mutate(undefined, { onSuccess: () => void navigate({ to: "/machines" }) });
  return (
    <div className="grid justify-items-start gap-5">
      {joining.error !== null && <Notice tone="bad">{describeProblem(joining.error)}</Notice>}
      <Button look="primary" autoFocus busy={joining.isPending} className="max-w-full max-md:h-11" onClick={join}>
        <span className="truncate">Join {org}</span>
      </Button>
    </div>
  );
}
