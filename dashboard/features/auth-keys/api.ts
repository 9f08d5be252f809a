import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { authKeySchema, createAuthKey, previewRevokeAuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import type { InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { listAuthKeys } from "#protocol/api/tables.ts";
import type { AuthKeyId, OrgId } from "#protocol/ids.ts";
import { POLL_MS, SAFETY_POLL_MS, useIsLive } from "../../live.tsx";
import { useLiveRows } from "../../live-rows.ts";
import { useOrg } from "../../org.tsx";
import { session } from "../../session.ts";

/** A key as the server answers its creation: the only time it is seen. */
export type NewAuthKey = ResponseOf<typeof createAuthKey>;

const authKeysQuery = (orgId: OrgId) =>
  queryOptions({
    queryKey: ["auth-keys", orgId],
    queryFn: ({ signal }) => session.request(listAuthKeys, { org_id: orgId }, signal),
  });

/** The auth keys of the org in view, kept up with live events. */
export function useAuthKeys() {
  const options = authKeysQuery(useOrg().id);
  const fresh = useLiveRows("keys", options.queryKey, authKeySchema);
  const query = useQuery({ ...options, refetchInterval: useIsLive() ? SAFETY_POLL_MS : POLL_MS });
  return { ...query, fresh };
}

export function useCreateAuthKey() {
  const { id: org_id } = useOrg();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: Omit<InputOf<typeof createAuthKey>, "org_id">) =>
      session.request(createAuthKey, { ...input, org_id }),
    onSuccess: () => void client.invalidateQueries(authKeysQuery(org_id)),
    // The answer holds the secret: it is not kept longer than it is shown.
    gcTime: 0,
  });
}

/** What revoking the key would do, asked each time somebody is about to. */
export function useRevokePreview(key_id: AuthKeyId) {
  const { id: org_id } = useOrg();
  return useQuery({
    queryKey: ["revoke-preview", org_id, key_id],
    queryFn: ({ signal }) => session.request(previewRevokeAuthKey, { org_id, key_id }, signal),
    staleTime: 0,
    gcTime: 0,
  });
}

export function useRevokeAuthKey() {
  const { id: org_id } = useOrg();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (key_id: AuthKeyId) => session.request(revokeAuthKey, { org_id, key_id }),
    onSuccess: () => client.invalidateQueries(authKeysQuery(org_id)),
  });
}
