import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { useProblem } from "../../problem.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { showToast } from "../../ui/toast.ts";
import { useRevokeAuthKey } from "./api.ts";

export function RevokeDialog({ authKey, onClose }: { authKey: AuthKey; onClose(): void }) {
  const revoke = useRevokeAuthKey();
  const problem = useProblem();
  const confirm = () => {
    problem.clear();
    revoke.mutate(authKey.id, {
      onSuccess: ({ machines_quarantined }) => {
        showToast(`Revoked ${authKey.name}${quarantineText(machines_quarantined)}`);
        onClose();
      },
      onError: problem.report,
    });
  };
  return (
    <ConfirmDialog
      title="Revoke this auth key?"
      action="Revoke key"
      busy={revoke.isPending}
      problem={problem.text}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        No machine can join with <strong className="font-medium break-words text-ink">{authKey.name}</strong>{" "}
        any more, and machines that joined with it are quarantined. This cannot be undone.
      </p>
    </ConfirmDialog>
  );
}

function quarantineText(count: number): string {
  if (count === 0) return "";
  return `; ${count} ${count === 1 ? "machine" : "machines"} quarantined`;
}
