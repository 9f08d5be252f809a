import { type Role, roles } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";

/** A person in an org. */
export interface Standing {
  readonly userId: UserId;
  readonly role: Role;
}

export function readRole(text: string): Role {
  const role = roles.find((known) => known === text);
  if (role === undefined) throw new ZtnaError("INVALID_ROLE");
  return role;
}

/** Only owners make owners, whether of members or of those they invite. */
export function checkGrant(by: Role, role: Role): void {
  if (role === "owner" && by !== "owner") throw new ZtnaError("FORBIDDEN", "Only owners can promote to owner role");
}

export function checkRoleChange(by: Standing, target: Standing, role: Role): void {
  if (by.userId === target.userId) throw own("Can't change your own role");
  checkGrant(by.role, role);
  if (target.role === "owner" && by.role !== "owner") {
    throw new ZtnaError("FORBIDDEN", "Only owners can change the role of an owner");
  }
}

export function checkRemoval(by: Standing, target: Standing): void {
  if (by.userId === target.userId) throw own("Can't remove yourself");
  if (target.role === "owner" && by.role !== "owner") {
    throw new ZtnaError("FORBIDDEN", "Only owners can remove an owner");
  }
}

/** The contract answers these with HTTP 400. */
function own(text: string): ZtnaError {
  return new ZtnaError("FORBIDDEN", text, { status: 400 });
}
