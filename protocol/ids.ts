import * as v from "valibot";

export type OrgId = string & { readonly __brand: "OrgId" };
export type MachineId = string & { readonly __brand: "MachineId" };
export type AuthKeyId = string & { readonly __brand: "AuthKeyId" };
export type UserId = string & { readonly __brand: "UserId" };
export type SessionId = string & { readonly __brand: "SessionId" };
export type InvitationId = string & { readonly __brand: "InvitationId" };

const uuid = (field: string) =>
  v.pipe(v.string(`${field} must be a string`), v.toLowerCase(), v.uuid(`${field} must be a UUID`));

export const orgIdSchema = v.pipe(uuid("org_id"), v.transform((id) => id as OrgId));
export const machineIdSchema = v.pipe(uuid("machine_id"), v.transform((id) => id as MachineId));
export const authKeyIdSchema = v.pipe(uuid("key_id"), v.transform((id) => id as AuthKeyId));
export const userIdSchema = v.pipe(uuid("user_id"), v.transform((id) => id as UserId));
export const targetUserIdSchema = v.pipe(uuid("target_user_id"), v.transform((id) => id as UserId));
export const invitationIdSchema = v.pipe(uuid("invitation_id"), v.transform((id) => id as InvitationId));
export const sessionIdSchema = v.pipe(uuid("session_id"), v.transform((id) => id as SessionId));

/**
 * The 16 hex digits that name an org's Durable Object and are carried inside its auth keys and node keys,
 * so that a request finds its object without a database read.
 */
export function orgRoutingTag(id: OrgId): string {
  return id.replaceAll("-", "").slice(0, 16);
}
