import { Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Tabs } from "radix-ui";
import { PageHead } from "../../ui/page-head.tsx";

const tabs = [
  { path: "/settings/auth-keys", text: "Auth Keys" },
  { path: "/settings/general", text: "General" },
] as const;

/** The settings; each tab has an address of its own. */
export function SettingsPage() {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const current = tabs.find(({ path }) => pathname.startsWith(path)) ?? tabs[0];
  const open = (path: string) => {
    const next = tabs.find((tab) => tab.path === path);
    if (next !== undefined) void navigate({ to: next.path });
  };
  return (
    <>
      <PageHead title="Settings" />
      <Tabs.Root value={current.path} onValueChange={open} activationMode="manual">
        <Tabs.List aria-label="Settings" className="-mt-2 mb-6 flex gap-5 border-b border-line">
          {tabs.map(({ path, text }) => (
            <Tabs.Trigger
              key={path}
              value={path}
              className="-mb-px border-b-2 border-transparent px-0.5 py-2 font-medium text-muted hover:text-ink data-[state=active]:border-accent-ink data-[state=active]:text-ink"
            >
              {text}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value={current.path} tabIndex={-1} className="outline-none">
          <Outlet />
        </Tabs.Content>
      </Tabs.Root>
    </>
  );
}
