import { queryOptions, useQuery } from "@tanstack/react-query";
import { machineSchema } from "#protocol/api/machines.ts";
import { listMachines } from "#protocol/api/tables.ts";
import type { OrgId } from "#protocol/ids.ts";
import { POLL_MS, SAFETY_POLL_MS, useIsLive } from "../../live.tsx";
import { useLiveRows } from "../../live-rows.ts";
import { useOrg } from "../../org.tsx";
import { session } from "../../session.ts";

const machinesQuery = (orgId: OrgId) =>
  queryOptions({
    queryKey: ["machines", orgId],
    queryFn: ({ signal }) => session.request(listMachines, { org_id: orgId }, signal),
  });

/** The machines of the org in view, kept up with live events; `fresh` are those that joined meanwhile. */
export function useMachines() {
  const options = machinesQuery(useOrg().id);
  const fresh = useLiveRows("machines", options.queryKey, machineSchema);
  const query = useQuery({ ...options, refetchInterval: useIsLive() ? SAFETY_POLL_MS : POLL_MS });
  return { ...query, fresh };
}
