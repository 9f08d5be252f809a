import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "#protocol/api/call.ts";
import type { ResponseOf } from "#protocol/api/endpoint.ts";
import { acceptInvitation, showInvitation } from "#protocol/api/invitations.ts";
import { orgsQuery, rememberOrg } from "../../org.tsx";
import { session } from "../../session.ts";

export type OpenInvitation = ResponseOf<typeof showInvitation>;

/** What the link leads to; whoever has it may know before signing in. */
export function useInvitation(token: string) {
  return useQuery({
    queryKey: ["invitation", token],
    queryFn: ({ signal }) =>
      call((url, init) => fetch(url, init), location.origin, showInvitation, { token }, { signal }),
    // It may be revoked any moment, but not under the eyes of who is about to accept it.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: false,
  });
}

/** Joins the org and makes it the one in view. */
export function useAcceptInvitation(token: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => session.request(acceptInvitation, { token }),
    onSuccess: async ({ organization }) => {
      rememberOrg(organization);
      await client.invalidateQueries({ queryKey: orgsQuery().queryKey });
    },
  });
}
