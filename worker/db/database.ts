import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

export type Database = DrizzleD1Database;

export function database(c: { env: Env }): Database {
  return drizzle(c.env.DB);
}
