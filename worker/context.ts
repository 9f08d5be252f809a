import type { Context } from "hono";
import type { MachineClaims } from "#domain/secrets/machine-token.ts";
import type { UserId } from "#protocol/ids.ts";
import type { Config } from "./config.ts";

/** The person an access token names. */
export interface User {
  readonly id: UserId;
  readonly email: string;
}

export interface AppEnv {
  Bindings: Env;
  /** `machine` is set instead of `user` where a machine asks. */
  Variables: { config: Config; requestId: string; user: User; machine: MachineClaims | undefined };
}

export type AppContext = Context<AppEnv>;
