export interface RegistrationFacts {
  /** The registration this installation holds for the control plane it is asked to join. */
  readonly registered: boolean;
  readonly authKey: boolean;
  readonly loggedIn: boolean;
  readonly forced: boolean;
}

/** `register` needs an answer; `renew` may go on with the old registration when there is none. */
export type RegistrationDecision =
  | { readonly do: "register" | "renew" | "reuse" }
  | { readonly do: "refuse"; readonly why: string };

export function decideRegistration({ registered, authKey, loggedIn, forced }: RegistrationFacts): RegistrationDecision {
  if (authKey) return { do: registered && !forced ? "renew" : "register" };
  if (forced) return { do: "refuse", why: "--force-reauth needs an auth key. Set ZTNA_AUTH_KEY." };
  if (registered) return { do: "reuse" };
  const why = loggedIn
    ? "this machine is not registered. Set ZTNA_AUTH_KEY to an auth key of your organization, then run 'ztna up' again"
    : "not authenticated. Run 'ztna login' first or use --auth-key";
  return { do: "refuse", why };
}
