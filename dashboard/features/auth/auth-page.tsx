import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { session } from "../../session.ts";
import { MeshArt } from "../../ui/illustrations.tsx";
import { Logo } from "../../ui/logo.tsx";
import { Notice } from "../../ui/notice.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { providerProblem } from "./provider-problem.ts";
import { ProviderButtons } from "./provider-buttons.tsx";
import { SignInForm } from "./sign-in-form.tsx";
import { SignUpForm } from "./sign-up-form.tsx";

const route = getRouteApi("/auth");

export function AuthPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const signingUp = search.mode === "signup";
  usePageTitle(signingUp ? "Create account" : "Sign in");
  // The route itself sends a person who is signed in onwards.
  const onDone = () => void navigate({ to: "/auth", search, replace: true });

  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
      <aside className="flex flex-col justify-between border-r border-line bg-surface p-10 max-lg:hidden">
        <div className="flex items-center gap-2.5 text-base font-semibold">
          <Logo className="size-8" /> QuickZTNA
        </div>
        <MeshArt className="mx-auto w-full max-w-md" />
        <p className="max-w-sm text-lg/7 text-balance">
          Your machines on one private network.{" "}
          <span className="text-muted">WireGuard between every pair, nothing open to the internet.</span>
        </p>
      </aside>
      <main id="main" className="flex flex-col justify-center px-4 py-10 max-sm:justify-start">
        <div className="mx-auto w-full max-w-sm">
          <Logo className="mb-6 size-10 lg:hidden" />
          <h1 className="text-xl font-semibold">{signingUp ? "Create your account" : "Sign in to QuickZTNA"}</h1>
          <p className="mt-1.5 mb-6 text-muted">
            {signingUp ? "Already have one? " : "New here? "}
            <Link
              to="/auth"
              search={{ ...search, mode: signingUp ? "signin" : "signup" }}
              className="font-medium text-accent-ink underline-offset-4 hover:underline"
            >
              {signingUp ? "Sign in" : "Create an account"}
            </Link>
          </p>
          {session.departure === "ended" && (
            <Notice tone="warn" className="mb-5">Your session has ended. Sign in again.</Notice>
          )}
          {search.problem !== undefined && (
            <Notice tone="bad" className="mb-5">{providerProblem(search.problem)}</Notice>
          )}
          <ProviderButtons next={search.next} chosen={search.problem === undefined ? search.provider : undefined} />
          {signingUp ? <SignUpForm onDone={onDone} /> : <SignInForm onDone={onDone} />}
        </div>
      </main>
    </div>
  );
}
