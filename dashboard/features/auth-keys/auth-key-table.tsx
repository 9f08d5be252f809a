import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { Badge, Chip } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { DataCell, DataRow, DataTable, HeadCell } from "../../ui/data-table.tsx";
import { DayText, useNow } from "../../ui/time-text.tsx";
import { keyState, keyStateLabels } from "./key-state.ts";

const columns = ["Name", "Used", "Reusable", "Ephemeral", "Expiry", "State"];

interface AuthKeyTableProps {
  keys: readonly AuthKey[];
  fresh: ReadonlySet<string>;
  onRevoke(key: AuthKey): void;
}

/** The newest key first: that is the one somebody has just made. */
export function AuthKeyTable({ keys, fresh, onRevoke }: AuthKeyTableProps) {
  const now = useNow(30_000);
  const sorted = keys.toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  const head = [
    ...columns.map((text) => <HeadCell key={text}>{text}</HeadCell>),
    <HeadCell key="actions">
      <span className="sr-only">Actions</span>
    </HeadCell>,
  ];
  return (
    <DataTable label="Auth keys" head={head}>
      {sorted.map((key) => (
        <AuthKeyRow key={key.id} authKey={key} now={now} fresh={fresh.has(key.id)} onRevoke={onRevoke} />
      ))}
    </DataTable>
  );
}

function AuthKeyRow({ authKey: key, now, fresh, onRevoke }: {
  authKey: AuthKey;
  now: number;
  fresh: boolean;
  onRevoke(key: AuthKey): void;
}) {
  const state = keyState(key, now);
  const { text, tone } = keyStateLabels[state];
  const dim = state === "revoked" || state === "expired" ? "text-muted" : "";
  return (
    <DataRow fresh={fresh}>
      <DataCell place="title">
        <div className="min-w-0">
          <div className={`font-medium break-words ${dim}`}>{key.name}</div>
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="font-mono text-xs text-muted">{key.key_prefix}</span>
            {key.allowed_tags?.map((tag) => <Chip key={tag}>{tag}</Chip>)}
          </div>
        </div>
      </DataCell>
      <DataCell label="Used" className="tabular-nums">{key.used_count}</DataCell>
      <DataCell label="Reusable">{yesNo(key.reusable)}</DataCell>
      <DataCell label="Ephemeral">{yesNo(key.ephemeral)}</DataCell>
      <DataCell label="Expiry" className="whitespace-nowrap">
        <DayText iso={key.expires_at} />
      </DataCell>
      <DataCell place="corner">
        <Badge tone={tone}>{text}</Badge>
      </DataCell>
      <DataCell className="text-right max-md:mt-2 max-md:justify-end! max-md:empty:hidden">
        {!key.revoked && (
          <Button
            small
            onClick={() => onRevoke(key)}
            aria-label={`Revoke ${key.name}`}
            className="max-md:h-10 max-md:grow"
          >
            Revoke
          </Button>
        )}
      </DataCell>
    </DataRow>
  );
}

function yesNo(yes: boolean): string {
  return yes ? "Yes" : "No";
}
