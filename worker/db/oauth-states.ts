import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { oauthStates } from "./schema/oauth-states.ts";

export type OAuthStateRow = typeof oauthStates.$inferSelect;

export async function insertOAuthState(db: Database, row: OAuthStateRow): Promise<void> {
  await db.insert(oauthStates).values(row);
}

/** Takes a state out and returns it, in one statement: of two at once only one succeeds. It may have run out. */
export async function takeOAuthState(db: Database, stateHash: string): Promise<OAuthStateRow | undefined> {
  return (await db.delete(oauthStates).where(eq(oauthStates.stateHash, stateHash)).returning())[0];
}
