import { Link } from "@tanstack/react-router";
import { isAdmin, useOrg } from "../../org.tsx";
import { buttonClass } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { MeshArt } from "../../ui/illustrations.tsx";

/** The first thing a new org sees. */
export function NoMachines() {
  const { role } = useOrg();
  if (!isAdmin(role)) {
    return (
      <EmptyState art={<MeshArt />} title="No machines yet">
        An owner or admin of this organization can make an auth key. With it, machines join by themselves and appear
        here.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      art={<MeshArt />}
      title="Add your first machine"
      action={
        <Link to="/settings/auth-keys" search={{ create: true }} className={buttonClass("primary")}>
          Generate an auth key
        </Link>
      }
    >
      Make an auth key, then run <code className="font-mono text-ink">ztna up</code>{" "}
      with it on a machine. The machine appears here as soon as it has joined.
    </EmptyState>
  );
}
