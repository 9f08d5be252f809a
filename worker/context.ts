import type { Context } from "hono";
import type { UserId } from "#protocol/ids.ts";
import type { Config } from "./config.ts";

/** The person an access token names. */
export interface User {
  readonly id: UserId;
  readonly email: string;
}

export interface AppEnv {
  Bindings: Env;
  Variables: { config: Config; requestId: string; user: User };
}

export type AppContext = Context<AppEnv>;
