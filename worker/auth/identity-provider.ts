/** What a provider vouches for. */
export interface Identity {
  readonly provider: string;
  /** The person's name at the provider, which never changes and is never given to another. */
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly fullName: string | undefined;
}

/** The secrets of one login: all derive from its state, and only we can derive them. */
export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
  /** Where the provider sends the browser. */
  readonly redirectUri: string;
}

/** Somebody who tells us who a person is. */
export interface IdentityProvider {
  /** The page where the person signs in. */
  authorizationUrl(attempt: LoginAttempt): Promise<URL>;
  /** Trades the code that came back. Refuses a code that is not good with `INVALID_CODE`. */
  identify(attempt: LoginAttempt, code: string): Promise<Identity>;
}
