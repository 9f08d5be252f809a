import { LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { session } from "../session.ts";
import { Menu, MenuChoices, MenuItem, MenuLine } from "../ui/menu.tsx";
import { applyTheme, currentTheme, type Theme } from "./theme.ts";

const themes: readonly { value: Theme; text: string; icon: React.ReactNode }[] = [
  { value: "system", text: "System", icon: <Monitor className="size-4 text-muted" /> },
  { value: "light", text: "Light", icon: <Sun className="size-4 text-muted" /> },
  { value: "dark", text: "Dark", icon: <Moon className="size-4 text-muted" /> },
];

export function UserMenu() {
  const email = useSyncExternalStore(session.subscribe, () => session.access?.email) ?? "";
  const [theme, setTheme] = useState(currentTheme);
  const choose = (next: Theme) => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <Menu
      align="end"
      label={`Account: ${email}`}
      triggerClass="grid size-8 place-items-center rounded-full bg-accent-soft text-[0.8125rem] font-semibold text-accent-ink uppercase hover:brightness-95"
      trigger={email.charAt(0)}
    >
      <div className="px-2.5 py-1.5" role="presentation">
        <div className="text-xs text-muted">Signed in as</div>
        <div className="truncate font-medium" title={email}>{email}</div>
      </div>
      <MenuLine />
      <MenuChoices label="Theme" value={theme} options={themes} onChange={choose} />
      <MenuLine />
      <MenuItem onClick={() => void session.signOut()}>
        <LogOut className="size-4 text-muted" /> Sign out
      </MenuItem>
    </Menu>
  );
}
