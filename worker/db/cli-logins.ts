import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { cliLogins } from "./schema/cli-logins.ts";

export type CliLoginRow = typeof cliLogins.$inferSelect;

export async function insertCliLogin(db: Database, row: CliLoginRow): Promise<void> {
  await db.insert(cliLogins).values(row);
}

/** Takes a code out and returns it, in one statement: of two at once only one succeeds. It may have run out. */
export async function takeCliLogin(db: Database, codeHash: string): Promise<CliLoginRow | undefined> {
  return (await db.delete(cliLogins).where(eq(cliLogins.codeHash, codeHash)).returning())[0];
}
