import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, Plus } from "lucide-react";
import type { Org } from "../../org.tsx";
import { Menu, MenuChoices, MenuItem, MenuLine } from "../../ui/menu.tsx";

export function OrgSwitcher({ orgs, org, onChoose }: { orgs: readonly Org[]; org: Org; onChoose(org: Org): void }) {
  const navigate = useNavigate();
  const choose = (id: string) => {
    const next = orgs.find((other) => other.id === id);
    if (next !== undefined) onChoose(next);
  };
  return (
    <Menu
      label={`Organization: ${org.name}`}
      triggerClass="flex h-9 w-full min-w-0 items-center gap-1.5 rounded-lg px-2 font-semibold hover:bg-hover"
      trigger={
        <>
          <span className="max-w-48 min-w-0 truncate max-md:max-w-40">{org.name}</span>
          <ChevronsUpDown className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
        </>
      }
    >
      <MenuChoices
        label="Organizations"
        value={org.id}
        options={orgs.map(({ id, name }) => ({ value: id as string, text: name }))}
        onChange={choose}
      />
      <MenuLine />
      <MenuItem onClick={() => void navigate({ to: "/create-org" })}>
        <Plus className="size-4 text-muted" /> New organization
      </MenuItem>
    </Menu>
  );
}
