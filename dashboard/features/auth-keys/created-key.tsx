import { useEffect, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { DialogActions } from "../../ui/dialog.tsx";
import { Notice } from "../../ui/notice.tsx";
import type { NewAuthKey } from "./api.ts";
import { enrolCommands } from "./enrol-commands.ts";

/** A double click on Create must not reach Done, which comes up under the pointer. */
const SETTLE_MS = 500;

export function CreatedKey({ created, onClose }: { created: NewAuthKey; onClose(): void }) {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), SETTLE_MS);
    return () => clearTimeout(timer);
  }, []);
  const commands = enrolCommands(location.origin, created.key);
  return (
    <div className="mt-4">
      <Notice tone="warn">Copy it now: the key will not be shown again.</Notice>
      <Secret label="Auth key" what="auth key" value={created.key} autoFocus />
      <Secret label="Enrol a machine with it" what="commands" value={commands} />
      <DialogActions>
        <Button look="primary" disabled={!settled} onClick={onClose}>Done</Button>
      </DialogActions>
    </div>
  );
}

function Secret({ label, what, value, autoFocus = false }: {
  label: string;
  what: string;
  value: string;
  autoFocus?: boolean;
}) {
  return (
    <section aria-label={label} className="mt-5">
      <div className="mb-1.5 flex items-center justify-between gap-4">
        <h3 className="font-medium">{label}</h3>
        <CopyButton value={value} what={what} named autoFocus={autoFocus} />
      </div>
      <pre className="rounded-lg border border-line bg-sunken px-3 py-2.5 font-mono text-[0.8125rem]/5 break-all whitespace-pre-wrap select-all">
        {value}
      </pre>
    </section>
  );
}
