import { CodeChallengeMethod, OAuth2Client } from "arctic";
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import * as v from "valibot";
import { ZtnaError } from "#protocol/errors.ts";
import type { Identity, IdentityProvider, LoginAttempt } from "./identity-provider.ts";
import type { OidcSetting } from "./login-providers.ts";
import { exchangeCode, PROVIDER_FAILED, readProviderJson } from "./provider-call.ts";

const SCOPES = ["openid", "email", "profile"];
/** Clocks differ. */
const TOLERANCE_S = 60;

const discoverySchema = v.object({
  issuer: v.string(),
  authorization_endpoint: v.pipe(v.string(), v.url()),
  token_endpoint: v.pipe(v.string(), v.url()),
  jwks_uri: v.pipe(v.string(), v.url()),
  userinfo_endpoint: v.optional(v.pipe(v.string(), v.url())),
});
type Discovery = v.InferOutput<typeof discoverySchema>;

/** A provider that speaks OpenID Connect: Google, Okta, Entra, Keycloak and others. */
export function oidcProvider(setting: OidcSetting): IdentityProvider {
  return {
    async authorizationUrl({ state, nonce, codeVerifier, redirectUri }) {
      const { authorization_endpoint } = await discover(setting);
      const client = clientOf(setting, redirectUri);
      const { S256 } = CodeChallengeMethod;
      const url = client.createAuthorizationURLWithPKCE(authorization_endpoint, state, S256, codeVerifier, SCOPES);
      url.searchParams.set("nonce", nonce);
      return url;
    },

    async identify(attempt, code) {
      const discovery = await discover(setting);
      const client = clientOf(setting, attempt.redirectUri);
      const { idToken, accessToken } = await exchangeCode(async () => {
        const tokens = await client.validateAuthorizationCode(discovery.token_endpoint, code, attempt.codeVerifier);
        return { idToken: tokens.idToken(), accessToken: tokens.accessToken() };
      });
      const claims = await verify(idToken, setting, discovery, attempt);
      const { userinfo_endpoint } = discovery;
      if (claims["email"] !== undefined || userinfo_endpoint === undefined) return identityOf(setting, claims, claims);
      const more = await readProviderJson(userinfo_endpoint, accessToken);
      // OpenID Connect Core 5.3.2: an answer about somebody else is not to be used.
      return identityOf(setting, claims, more["sub"] === claims.sub ? more : {});
    },
  };
}

async function discover({ issuer }: OidcSetting): Promise<Discovery> {
  const parsed = v.safeParse(discoverySchema, await readProviderJson(`${issuer}/.well-known/openid-configuration`));
  if (parsed.success && parsed.output.issuer.replace(/\/+$/, "") === issuer) return parsed.output;
  throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED, { cause: new Error(`discovery of ${issuer} is not its own`) });
}

function clientOf({ clientId, clientSecret }: OidcSetting, redirectUri: string): OAuth2Client {
  return new OAuth2Client(clientId, clientSecret, redirectUri);
}

type Claims = JWTPayload & { readonly sub: string };

async function verify(
  idToken: string,
  { clientId }: OidcSetting,
  { issuer, jwks_uri }: Discovery,
  { nonce }: LoginAttempt,
): Promise<Claims> {
  try {
    const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(jwks_uri)), {
      issuer,
      audience: clientId,
      algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
      requiredClaims: ["sub", "exp", "iat"],
      clockTolerance: TOLERANCE_S,
    });
    if (payload["nonce"] === nonce && typeof payload.sub === "string" && payload.sub !== "") return payload as Claims;
  } catch (cause) {
    throw new ZtnaError("INVALID_CODE", "The sign-in provider's token is not valid", { cause });
  }
  throw new ZtnaError("INVALID_CODE", "The sign-in provider's token is not valid");
}

function identityOf({ id }: OidcSetting, { sub }: Claims, about: Record<string, unknown>): Identity {
  const { email, email_verified, name } = about;
  return {
    provider: id,
    subject: sub,
    email: typeof email === "string" ? email : undefined,
    emailVerified: email_verified === true || email_verified === "true",
    fullName: typeof name === "string" ? name : undefined,
  };
}
