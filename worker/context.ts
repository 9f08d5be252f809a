import type { Context } from "hono";
import type { MachineClaims } from "#domain/secrets/machine-token.ts";
import type { Role } from "#protocol/api/orgs.ts";
import type { OrgId, SessionId, UserId } from "#protocol/ids.ts";
import type { Config } from "./config.ts";

export interface User {
  readonly id: UserId;
  readonly email: string;
}

/** The person who asks, as D1 knew them when the request came. */
export interface SignedIn extends User {
  readonly sessionId: SessionId;
  readonly roles: ReadonlyMap<OrgId, Role>;
}

export interface AppEnv {
  Bindings: Env;
  /** `machine` is set instead of `user` where a machine asks. */
  Variables: { config: Config; requestId: string; user: SignedIn; machine: MachineClaims | undefined };
}

export type AppContext = Context<AppEnv>;
