import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import * as v from "valibot";
import { cliLoginSearch } from "./features/auth/cli-login.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { AppFrame } from "./frame/app-frame.tsx";
import { FramePending } from "./frame/frame-pending.tsx";
import { PageNotFound } from "./frame/page-not-found.tsx";
import { PageProblem } from "./frame/page-problem.tsx";
import { RootFrame } from "./frame/root-frame.tsx";
import { orgsQuery } from "./org.tsx";
import { queryClient } from "./query-client.ts";
import { session } from "./session.ts";

const root = createRootRoute({ component: RootFrame });

const authSearch = v.object({
  mode: v.optional(v.fallback(v.picklist(["signin", "signup"]), "signin")),
  next: v.optional(v.fallback(v.string(), "/machines")),
  /** The provider to sign in with, without a choice. */
  provider: v.optional(v.fallback(v.string(), "")),
  /** The person comes back from a provider: with a session in the cookie, or with the code of what went wrong. */
  resume: v.optional(v.fallback(v.boolean(), false)),
  problem: v.optional(v.fallback(v.string(), "")),
});

const auth = createRoute({
  getParentRoute: () => root,
  path: "/auth",
  validateSearch: authSearch,
  beforeLoad: async ({ search: { resume, next } }) => {
    if (resume === true) {
      const problem = await session.resume().then(() => undefined, problemCode);
      if (problem !== undefined) throw redirect({ to: "/auth", search: { ...(next && { next }), problem } });
    }
    if (session.access !== undefined) throw redirect({ href: ownPath(next) });
  },
  component: lazyRouteComponent(() => import("./features/auth/auth-page.tsx"), "AuthPage"),
});

const cliLogin = createRoute({
  getParentRoute: () => root,
  path: "/cli-login",
  validateSearch: cliLoginSearch,
  beforeLoad: ({ location, search }) => {
    // Also after "use another account": the terminal still waits for an answer from here.
    if (session.access !== undefined) return;
    throw redirect({
      to: "/auth",
      search: { next: location.href, ...(search.provider && { provider: search.provider }) },
    });
  },
  component: lazyRouteComponent(() => import("./features/auth/cli-login-page.tsx"), "CliLoginPage"),
});

const createOrg = createRoute({
  getParentRoute: () => root,
  path: "/create-org",
  beforeLoad: ({ location }) => requireSession(location.href),
  component: lazyRouteComponent(() => import("./features/orgs/create-org-page.tsx"), "CreateOrgPage"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invite/$token",
  component: lazyRouteComponent(() => import("./features/invitations/invitation-page.tsx"), "InvitationPage"),
});

/** Everything that shows one org. */
const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  beforeLoad: ({ location }) => requireSession(location.href),
  loader: async () => {
    const orgs = await queryClient.ensureQueryData({ ...orgsQuery(), revalidateIfStale: true });
    if (orgs.length === 0) throw redirect({ to: "/create-org" });
  },
  component: AppFrame,
  pendingComponent: FramePending,
  pendingMs: 200,
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/machines" });
  },
});

const dashboard = createRoute({
  getParentRoute: () => root,
  path: "/dashboard",
  beforeLoad: () => {
    throw redirect({ to: "/machines" });
  },
});

const machines = createRoute({
  getParentRoute: () => app,
  path: "/machines",
  component: lazyRouteComponent(() => import("./features/machines/machines-page.tsx"), "MachinesPage"),
});

const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  component: lazyRouteComponent(() => import("./features/settings/settings-page.tsx"), "SettingsPage"),
});

const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/settings/auth-keys" });
  },
});

const authKeys = createRoute({
  getParentRoute: () => settings,
  path: "/auth-keys",
  validateSearch: v.object({ create: v.optional(v.fallback(v.boolean(), false)) }),
  component: lazyRouteComponent(() => import("./features/auth-keys/auth-keys-panel.tsx"), "AuthKeysPanel"),
});

const general = createRoute({
  getParentRoute: () => settings,
  path: "/general",
  component: lazyRouteComponent(() => import("./features/settings/general-panel.tsx"), "GeneralPanel"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    dashboard,
    auth,
    cliLogin,
    createOrg,
    invitation,
    app.addChildren([machines, settings.addChildren([settingsHome, authKeys, general])]),
  ]),
  defaultPreload: "intent",
  defaultNotFoundComponent: PageNotFound,
  defaultErrorComponent: PageProblem,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

function requireSession(href: string): void {
  if (session.access !== undefined) return;
  const plain = session.departure === "left" || href === "/machines";
  throw redirect({ to: "/auth", search: plain ? {} : { next: href } });
}

function problemCode(error: unknown): string {
  return error instanceof ZtnaError ? error.code : "INTERNAL_ERROR";
}

/** A path of this site, never another one. */
function ownPath(path: string | undefined): string {
  return path !== undefined && /^\/[^/\\]/.test(path) ? path : "/machines";
}
