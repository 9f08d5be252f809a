import { queryOptions } from "@tanstack/react-query";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { initiateGitHub, initiateGoogle, initiateOidc, listProviders } from "#protocol/api/oauth.ts";

/** The sign-in providers this deploy has set up. */
export const providersQuery = () =>
  queryOptions({ queryKey: ["providers"], queryFn: () => ask(listProviders, {}), staleTime: Infinity });

/** The page where the person signs in; `next` is where they go in here afterwards. */
export async function providerPage(id: string, next: string | undefined): Promise<string> {
  const input = next === undefined ? {} : { next };
  const { redirect_url } = await (
    id === "github"
      ? ask(initiateGitHub, input)
      : id === "google"
      ? ask(initiateGoogle, input)
      : ask(initiateOidc, { ...input, provider: id })
  );
  return redirect_url;
}

function ask<E extends Endpoint>(endpoint: E, input: InputOf<E>): Promise<ResponseOf<E>> {
  return call((url, init) => fetch(url, init), location.origin, endpoint, input);
}
