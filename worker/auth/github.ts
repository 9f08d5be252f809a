import { CodeChallengeMethod, OAuth2Client } from "arctic";
import * as v from "valibot";
import { ZtnaError } from "#protocol/errors.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { GitHubSetting } from "./login-providers.ts";
import { exchangeCode, PROVIDER_FAILED, readProvider } from "./provider-call.ts";

const SCOPES = ["read:user", "user:email"];

const userSchema = v.object({
  id: v.pipe(v.number(), v.integer()),
  login: v.string(),
  name: v.nullish(v.string()),
});
const emailsSchema = v.array(v.object({ email: v.string(), primary: v.boolean(), verified: v.boolean() }));

/** GitHub, which has OAuth 2.0 and an API of its own in place of OpenID Connect. */
export function githubProvider(setting: GitHubSetting): IdentityProvider {
  const { id, clientId, clientSecret, url, apiUrl } = setting;
  return {
    authorizationUrl({ state, codeVerifier, redirectUri }) {
      const client = new OAuth2Client(clientId, clientSecret, redirectUri);
      const page = `${url}/login/oauth/authorize`;
      const { S256 } = CodeChallengeMethod;
      return Promise.resolve(client.createAuthorizationURLWithPKCE(page, state, S256, codeVerifier, SCOPES));
    },

    async identify({ codeVerifier, redirectUri }, code) {
      const client = new OAuth2Client(clientId, clientSecret, redirectUri);
      const tokens = await exchangeCode(() =>
        client.validateAuthorizationCode(`${url}/login/oauth/access_token`, code, codeVerifier)
      );
      // GitHub refuses a code with HTTP 200 and an `error` in place of the token.
      if ("error" in tokens.data) throw new ZtnaError("INVALID_CODE");
      const [user, emails] = await Promise.all([
        read(userSchema, `${apiUrl}/user`, tokens.accessToken()),
        read(emailsSchema, `${apiUrl}/user/emails`, tokens.accessToken()),
      ]);
      const primary = emails.find((address) => address.primary);
      return {
        provider: id,
        subject: String(user.id),
        email: primary?.email,
        emailVerified: primary?.verified === true,
        fullName: user.name ?? user.login,
      };
    },
  };
}

async function read<S extends v.GenericSchema>(schema: S, url: string, token: string): Promise<v.InferOutput<S>> {
  const parsed = v.safeParse(schema, await readProvider(url, token));
  if (parsed.success) return parsed.output;
  throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED, { cause: new Error(`${url} answered something else`) });
}
