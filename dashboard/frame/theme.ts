import { readStored, writeStored } from "../storage.ts";

export type Theme = "system" | "light" | "dark";

const THEME = "theme";

export function currentTheme(): Theme {
  const theme = readStored(THEME);
  return theme === "light" || theme === "dark" ? theme : "system";
}

export function applyTheme(theme: Theme): void {
  writeStored(THEME, theme === "system" ? undefined : theme);
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
