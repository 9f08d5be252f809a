import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { isAdmin, useOrg } from "../../org.tsx";
import { describeProblem } from "../../problem.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { KeyArt } from "../../ui/illustrations.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { ProblemPanel } from "../../ui/problem-panel.tsx";
import { TableSkeleton } from "../../ui/skeleton.tsx";
import { useAuthKeys } from "./api.ts";
import { AuthKeyTable } from "./auth-key-table.tsx";
import { CreateDialog } from "./create-dialog.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";

export function AuthKeysPanel() {
  usePageTitle("Auth keys");
  const { role } = useOrg();
  if (isAdmin(role)) return <AuthKeys />;
  return (
    <EmptyState art={<KeyArt />} title="Auth keys are for owners and admins">
      An auth key lets a machine join this organization. Ask an owner or admin when you need one.
    </EmptyState>
  );
}

const route = getRouteApi("/app/settings/auth-keys");

function AuthKeys() {
  const { data, error, isFetching, refetch, fresh } = useAuthKeys();
  const { create: creating = false } = route.useSearch();
  const navigate = useNavigate();
  const [revoking, setRevoking] = useState<AuthKey>();
  const showDialog = (create: boolean) =>
    void navigate({ to: "/settings/auth-keys", search: create ? { create } : {}, replace: !create });
  const generate = (
    <Button look="primary" className="max-sm:h-11 max-sm:w-full" onClick={() => showDialog(true)}>
      <Plus className="size-4" aria-hidden="true" /> Generate Auth Key
    </Button>
  );
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-xl text-muted">
          A machine joins with an auth key and no browser. Give keys a short life and revoke those you no longer need.
        </p>
        {data !== undefined && data.length > 0 && generate}
      </div>
      {data === undefined && error === null && <TableSkeleton label="Loading auth keys" />}
      {data === undefined && error !== null && (
        <ProblemPanel
          title="The auth keys could not be read"
          text={describeProblem(error)}
          busy={isFetching}
          onRetry={() => void refetch()}
        />
      )}
      {data?.length === 0 && (
        <EmptyState art={<KeyArt />} title="No auth keys yet" action={generate}>
          Generate one, and enrol servers, containers and build machines without signing in on them.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && <AuthKeyTable keys={data} fresh={fresh} onRevoke={setRevoking} />}
      {creating && <CreateDialog onClose={() => showDialog(false)} />}
      {revoking !== undefined && <RevokeDialog authKey={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}
