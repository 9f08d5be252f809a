import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { useProblem } from "../../problem.ts";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { showToast } from "../../ui/toast.ts";
import { useRevokeAuthKey, useRevokePreview } from "./api.ts";

export function RevokeDialog({ authKey, onClose }: { authKey: AuthKey; onClose(): void }) {
  const preview = useRevokePreview(authKey.id);
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
        any more, and {consequence(preview.data?.machines_to_quarantine)}. This cannot be undone.
      </p>
    </ConfirmDialog>
  );
}

function consequence(count: number | undefined): string {
  if (count === undefined) return "machines that joined with it are quarantined";
  if (count === 0) return "no machine is quarantined by it";
  return `${count} ${count === 1 ? "machine that joined with it is" : "machines that joined with it are"} quarantined`;
}

function quarantineText(count: number): string {
  if (count === 0) return "";
  return `; ${count} ${count === 1 ? "machine" : "machines"} quarantined`;
}
