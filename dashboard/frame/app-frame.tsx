import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Monitor, Settings } from "lucide-react";
import { useState } from "react";
import { OrgSwitcher } from "../features/orgs/org-switcher.tsx";
import { LiveProvider } from "../live.tsx";
import { chosenOrg, type Org, OrgContext, orgsQuery, rememberOrg } from "../org.tsx";
import { Logo } from "../ui/logo.tsx";
import { UserMenu } from "./user-menu.tsx";

/** The bar on top and the page of one org below it. */
export function AppFrame() {
  const orgs = useQuery(orgsQuery()).data ?? [];
  const [chosen, setChosen] = useState(() => chosenOrg(orgs)?.id);
  const org = orgs.find(({ id }) => id === chosen) ?? orgs[0];
  if (org === undefined) return null;
  const choose = (next: Org) => {
    rememberOrg(next);
    setChosen(next.id);
  };
  return (
    <OrgContext value={org}>
      <header className="sticky top-0 z-20 border-b border-line bg-surface">
        <div className="mx-auto flex max-w-6xl flex-wrap items-center gap-x-3 px-4 md:h-14 md:px-6">
          <div className="flex h-14 min-w-0 items-center gap-2">
            <Link to="/machines" aria-label="QuickZTNA" className="shrink-0 rounded-lg">
              <Logo />
            </Link>
            <OrgSwitcher orgs={orgs} org={org} onChoose={choose} />
          </div>
          <nav aria-label="Main" className="flex gap-1 self-stretch max-md:order-last max-md:w-full md:ml-3">
            <Link to="/machines" className={navClass} activeProps={active}>
              <Monitor className="size-4" aria-hidden="true" /> Machines
            </Link>
            <Link to="/settings" className={navClass} activeProps={active}>
              <Settings className="size-4" aria-hidden="true" /> Settings
            </Link>
          </nav>
          <div className="ml-auto">
            <UserMenu />
          </div>
        </div>
      </header>
      <LiveProvider key={org.id}>
        <main id="main" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 md:px-6 md:py-8">
          <Outlet />
        </main>
      </LiveProvider>
    </OrgContext>
  );
}

const active = { className: "text-ink! after:bg-accent-ink!" };
const navClass =
  "relative flex items-center gap-2 px-3 font-medium text-muted transition-colors hover:text-ink max-md:h-10 max-md:first:pl-0 after:absolute after:inset-x-3 after:-bottom-px after:h-0.5 after:rounded-full max-md:first:after:left-0";
