import type { Role } from "#protocol/api/orgs.ts";
import type { Mail } from "./send.ts";

export function invitationLetter(
  to: string,
  { orgName, role, by, link, expiresAt }: { orgName: string; role: Role; by: string; link: string; expiresAt: number },
): Mail {
  return {
    to,
    subject: `Join ${orgName} on QuickZTNA`,
    text: `${by} invites you to join ${orgName} on QuickZTNA as ${role}.

Open this link before ${day(expiresAt)} and sign in as ${to}:

${link}

If you did not expect this, ignore it.
`,
  };
}

export function removalLetter(to: string, orgName: string): Mail {
  return {
    to,
    subject: `You are no longer a member of ${orgName}`,
    text: `An admin has removed you from ${orgName} on QuickZTNA. Your machines there cannot reach its network any more.
`,
  };
}

export function pendingMachineLetter(
  to: string,
  { orgName, machine, by, link }: { orgName: string; machine: string; by: string; link: string },
): Mail {
  return {
    to,
    subject: `A machine waits for approval in ${orgName}`,
    text: `${by} has enrolled ${machine} in ${orgName} on QuickZTNA. Until an admin approves it, it reaches nobody:

${link}
`,
  };
}

function day(time: number): string {
  return new Date(time).toUTCString().replace(/ GMT$/, " UTC");
}
