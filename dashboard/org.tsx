import { createContext, useContext } from "react";
import type { ResponseOf } from "#protocol/api/endpoint.ts";
import { type Role, userOrgs } from "#protocol/api/orgs.ts";
import { queryOptions } from "@tanstack/react-query";
import { session } from "./session.ts";
import { readStored, writeStored } from "./storage.ts";

export type Org = ResponseOf<typeof userOrgs>[number];

const CHOSEN = "org_id";

/** The orgs of the person signed in. */
export const orgsQuery = () =>
  queryOptions({
    queryKey: ["orgs", session.access?.userId],
    queryFn: ({ signal }) => session.request(userOrgs, {}, signal),
    staleTime: 60_000,
  });

export const OrgContext = createContext<Org | undefined>(undefined);

/** The org in view. */
export function useOrg(): Org {
  const org = useContext(OrgContext);
  if (org === undefined) throw new Error("useOrg outside of an org's pages");
  return org;
}

export function isAdmin(role: Role): boolean {
  return role === "owner" || role === "admin";
}

/** The org that was in view last, or the first one. */
export function chosenOrg(orgs: readonly Org[]): Org | undefined {
  const id = readStored(CHOSEN);
  return orgs.find((org) => org.id === id) ?? orgs[0];
}

export function rememberOrg(org: Org): void {
  writeStored(CHOSEN, org.id);
}
