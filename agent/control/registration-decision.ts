export interface RegistrationFacts {
  /** This installation holds a registration, past approval, for the control plane it is asked to join. */
  readonly registered: boolean;
  readonly authKey: boolean;
  readonly loggedIn: boolean;
  readonly forced: boolean;
}

/**
 * `register` needs an answer and `setup` as well, in the name of the person; `renew` may go on with the old registration when
 * there is none.
 */
export type RegistrationDecision =
  | { readonly do: "register" | "renew" | "reuse" | "setup" }
  | { readonly do: "refuse"; readonly why: string };

export function decideRegistration({ registered, authKey, loggedIn, forced }: RegistrationFacts): RegistrationDecision {
  if (authKey) return { do: registered && !forced ? "renew" : "register" };
  if (registered && !forced) return { do: "reuse" };
  if (loggedIn) return { do: "setup" };
  const why = forced
    ? "--force-reauth needs an auth key or a login. Set ZTNA_AUTH_KEY or run 'ztna login'."
    : "not authenticated. Run 'ztna login' first or use --auth-key";
  return { do: "refuse", why };
}
