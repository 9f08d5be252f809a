import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Whom a provider says it has in front of it; a fault makes its answer one that must not be believed. */
export interface ProviderPerson {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly fault?: "nonce" | "audience" | "issuer" | "key" | "expired";
  /** The token leaves the address to the endpoint for it. */
  readonly emailByUserinfo?: boolean;
}

export const client = { client_id: "ztna-test", client_secret: "the-provider-knows-it" };

interface Grant {
  readonly person: ProviderPerson;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string | null;
}

/**
 * A sign-in provider as they are: OpenID Connect with discovery, signed tokens, PKCE and codes good for one use; below
 * `/login/oauth` and `/api` the way of GitHub. Its page lets the visitor be whoever the address names in `person`.
 */
export async function startSignInProvider(): Promise<{ url: string; close(): Promise<void> }> {
  const [genuine, foreign] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  const jwk = { ...await exportJWK(genuine.publicKey), kid: "1", alg: "ES256", use: "sig" };
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, ProviderPerson>();
  let url = "";

  async function idToken({ person, nonce }: Grant): Promise<string> {
    const { sub, email, email_verified, name, fault, emailByUserinfo } = person;
    const claims = emailByUserinfo ? { name } : { email, email_verified, name };
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({ ...claims, nonce: fault === "nonce" ? "another" : nonce })
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setSubject(sub)
      .setIssuer(fault === "issuer" ? "https://example.org" : url)
      .setAudience(fault === "audience" ? "another" : client.client_id)
      .setIssuedAt(now - 3600)
      .setExpirationTime(fault === "expired" ? now - 600 : now + 600)
      .sign(fault === "key" ? foreign.privateKey : genuine.privateKey);
  }

  /** Undefined when the code, its client, its page or its verifier is not the one it was given for. */
  function redeem(form: URLSearchParams, authorization: string | undefined): Grant | undefined {
    const grant = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const expected = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`;
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    const isGood = grant?.challenge === challenge && grant.redirectUri === form.get("redirect_uri") &&
      authorization === expected && form.get("grant_type") === "authorization_code";
    return isGood ? grant : undefined;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url!, url);
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    const person = tokens.get(request.headers.authorization?.replace("Bearer ", "") ?? "");
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return json({
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          userinfo_endpoint: `${url}/userinfo`,
        });
      case "/jwks":
        return json({ keys: [jwk] });
      case "/authorize":
      case "/login/oauth/authorize":
        return showPage(query, codes, response);
      case "/token":
      case "/login/oauth/access_token": {
        const grant = redeem(new URLSearchParams(await textOf(request)), request.headers.authorization);
        const isGitHub = pathname !== "/token";
        if (grant === undefined) return json({ error: "invalid_grant" }, isGitHub ? 200 : 400);
        const token = randomUUID();
        tokens.set(token, grant.person);
        const given = { access_token: token, token_type: "bearer", expires_in: 600 };
        return json(isGitHub ? given : { ...given, id_token: await idToken(grant) });
      }
      case "/userinfo":
        return json(person ?? {}, person === undefined ? 401 : 200);
      case "/api/user":
        return json({ id: Number(person?.sub), login: "octocat", name: person?.name ?? null }, person ? 200 : 401);
      case "/api/user/emails":
        return json([
          { email: "old@example.com", primary: false, verified: true },
          { email: person?.email, primary: true, verified: person?.email_verified === true },
        ], person ? 200 : 401);
      default:
        return json({ error: "not_found" }, 404);
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** `ZTNA_LOGIN_PROVIDERS` for a provider at this address. */
export function providerSettings(url: string): string {
  return JSON.stringify({
    github: { ...client, url, api_url: `${url}/api` },
    google: { ...client, issuer: url },
    acme: { ...client, issuer: url, name: "Acme SSO" },
  });
}

/** Sends the browser back with a code for the person, or shows two links: to be Ada, and to give up. */
function showPage(query: URLSearchParams, codes: Map<string, Grant>, response: ServerResponse): void {
  const redirectUri = query.get("redirect_uri")!;
  const back = (given: Record<string, string>) =>
    `${redirectUri}?${new URLSearchParams({ ...given, state: query.get("state")! })}`;
  const person = query.get("person");
  if (query.get("client_id") !== client.client_id || query.get("code_challenge_method") !== "S256") {
    response.writeHead(400).end();
  } else if (person !== null) {
    const code = randomUUID();
    const challenge = query.get("code_challenge")!;
    codes.set(code, { person: JSON.parse(person), redirectUri, challenge, nonce: query.get("nonce") });
    response.writeHead(302, { location: back({ code }) }).end();
  } else {
    const ada = new URLSearchParams(query);
    const sub = String(1000 + Math.floor(Math.random() * 1e9));
    ada.set("person", JSON.stringify({ sub, email: `ada-${sub}@example.test`, email_verified: true, name: "Ada" }));
    const link = (href: string, text: string) => `<p><a href="${href.replaceAll("&", "&amp;")}">${text}</a></p>`;
    const page = link(`?${ada}`, "Be Ada") + link(back({ error: "access_denied" }), "Cancel");
    response.writeHead(200, { "content-type": "text/html" }).end(
      `<!doctype html><title>Provider</title><link rel="icon" href="data:,">${page}`,
    );
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
