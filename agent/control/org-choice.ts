export interface ChoosableOrg {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
}

export type OrgChoice<O extends ChoosableOrg> =
  | { readonly do: "join"; readonly org: O }
  | { readonly do: "refuse"; readonly why: string };

/** The org a person's machine joins: the one asked for by slug or id, else the only one, else the one of last time. */
export function chooseOrg<O extends ChoosableOrg>(
  orgs: readonly O[],
  wanted: string | undefined,
  lastId: string | undefined,
): OrgChoice<O> {
  if (orgs.length === 0) {
    return refuse("you belong to no organization yet. Create one in the dashboard, then run 'ztna up' again");
  }
  if (wanted !== undefined) {
    const org = orgs.find(({ id, slug }) => slug === wanted || id === wanted);
    return org === undefined
      ? refuse(`you belong to no organization ${wanted}. Yours: ${listOf(orgs)}`)
      : { do: "join", org };
  }
  const org = orgs.length === 1 ? orgs[0] : orgs.find(({ id }) => id === lastId);
  if (org !== undefined) return { do: "join", org };
  return refuse(`you belong to several organizations. Choose one with 'ztna up --org <slug>': ${listOf(orgs)}`);
}

function refuse(why: string): { readonly do: "refuse"; readonly why: string } {
  return { do: "refuse", why };
}

function listOf(orgs: readonly ChoosableOrg[]): string {
  return orgs.map(({ name, slug }) => `${slug} (${name})`).join(", ");
}
