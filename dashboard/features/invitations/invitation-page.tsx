import { getRouteApi, Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { ZtnaError } from "#protocol/errors.ts";
import { describeProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { buttonClass } from "../../ui/button.tsx";
import { Logo } from "../../ui/logo.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { ProblemPanel } from "../../ui/problem-panel.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { DayText } from "../../ui/time-text.tsx";
import { type OpenInvitation, useInvitation } from "./api.ts";
import { JoinPanel } from "./join-panel.tsx";
import { SignInFirst } from "./sign-in-first.tsx";
import { WrongAccount } from "./wrong-account.tsx";

const route = getRouteApi("/invite/$token");

/** Where the link of an invitation leads: sign in or up first, then join. */
export function InvitationPage() {
  usePageTitle("Invitation");
  const { token } = route.useParams();
  const invitation = useInvitation(token);
  return (
    <main id="main" className="mx-auto flex min-h-dvh max-w-md flex-col justify-center px-4 py-10">
      <Logo className="mb-6 size-10" />
      {invitation.data !== undefined
        ? <Open token={token} invitation={invitation.data} />
        : invitation.error === null
        ? <Loading />
        : isClosed(invitation.error)
        ? <Closed />
        : (
          <ProblemPanel
            title="The invitation could not be read"
            text={describeProblem(invitation.error)}
            busy={invitation.isFetching}
            onRetry={() => void invitation.refetch()}
          />
        )}
    </main>
  );
}

function Open({ token, invitation }: { token: string; invitation: OpenInvitation }) {
  const email = useSyncExternalStore(session.subscribe, () => session.access?.email);
  const { org_name: org, role } = invitation;
  return (
    <>
      <h1 className="text-xl font-semibold wrap-anywhere">Join {org}</h1>
      <p className="mt-1.5 mb-6 text-muted wrap-anywhere">
        <strong className="font-medium text-ink">{invitation.email}</strong> is invited to the network of {org} as{" "}
        {role}. The invitation is good until <DayText iso={invitation.expires_at} />.
      </p>
      {email === undefined
        ? <SignInFirst token={token} />
        : email.toLowerCase() === invitation.email
        ? <JoinPanel token={token} org={org} />
        : <WrongAccount email={email} />}
    </>
  );
}

function Loading() {
  return (
    <div role="status" className="grid gap-4">
      <span className="sr-only">Reading the invitation</span>
      <Skeleton className="h-7 w-48" />
      <Skeleton className="h-5 w-full" />
      <Skeleton className="h-9 w-40" />
    </div>
  );
}

function Closed() {
  return (
    <>
      <h1 className="text-xl font-semibold">This invitation is not open</h1>
      <p className="mt-1.5 mb-6 text-muted wrap-anywhere">
        It was accepted, taken back, or its time is over. Ask whoever invited you for a new link.
      </p>
      <Link to="/machines" className={`${buttonClass()} self-start max-md:h-11`}>Go to QuickZTNA</Link>
    </>
  );
}

function isClosed(error: Error): boolean {
  return error instanceof ZtnaError && error.code === "INVALID_INVITATION";
}
