import { env, runInDurableObject } from "cloudflare:test";
import type { Role } from "#protocol/api/orgs.ts";
import { signUpSomeone } from "../support/api.ts";
import { type Org, orgStub } from "./support.ts";

/** A new person in the org; `token` is theirs. */
export async function memberOf({ orgId }: Org, role: Role): Promise<Org & { userId: string }> {
  const { token, user } = await signUpSomeone();
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(orgId, user.id, role).run();
  return { orgId, token, userId: user.id };
}

/** Makes the machine somebody's own, as if they had enrolled it. */
export async function giveTo({ orgId, userId }: { orgId: string; userId: string }, machineId: string): Promise<void> {
  await inStorage(orgId, "UPDATE machines SET owner_id = ? WHERE id = ?", userId, machineId);
}

/** Runs one statement in the org object's SQLite: time is moved by moving what was written. */
export async function inStorage(orgId: string, statement: string, ...values: (string | number)[]): Promise<void> {
  await runInDurableObject(orgStub(orgId), (_, { storage }) => {
    storage.sql.exec(statement, ...values);
  });
}
