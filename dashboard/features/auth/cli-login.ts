import * as v from "valibot";
import { authorizeCliLogin, cliRedirectSchema, codeChallengeSchema } from "#protocol/api/cli-login.ts";
import { session } from "../../session.ts";

const text = v.optional(v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String)));

/** What `ztna login` writes into the address of its page; nothing of it is trusted before `readCliLogin`. */
export const cliLoginSearch = v.object({
  redirect_uri: text,
  code_challenge: text,
  state: text,
  host: text,
  provider: text,
});

const loginSchema = v.object({
  redirect_uri: cliRedirectSchema,
  code_challenge: codeChallengeSchema,
  state: v.pipe(v.string(), v.nonEmpty(), v.maxLength(200)),
  host: v.optional(v.pipe(v.string(), v.maxLength(253))),
});
export type CliLogin = v.InferOutput<typeof loginSchema>;

/** Undefined when the address is not one that `ztna login` made: no code may go anywhere but to this computer. */
export function readCliLogin(search: v.InferOutput<typeof cliLoginSearch>): CliLogin | undefined {
  const parsed = v.safeParse(loginSchema, search);
  return parsed.success ? parsed.output : undefined;
}

/** Where the browser carries a fresh code. */
export async function approve({ redirect_uri, code_challenge, state }: CliLogin): Promise<string> {
  const { code } = await session.request(authorizeCliLogin, { code_challenge });
  return `${redirect_uri}?${new URLSearchParams({ code, state })}`;
}

export function refusalUrl({ redirect_uri, state }: CliLogin): string {
  return `${redirect_uri}?${new URLSearchParams({ error: "access_denied", state })}`;
}
