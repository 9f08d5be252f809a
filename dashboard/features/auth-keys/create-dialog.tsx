import { useState } from "react";
import { Dialog } from "../../ui/dialog.tsx";
import type { NewAuthKey } from "./api.ts";
import { CreateForm } from "./create-form.tsx";
import { CreatedKey } from "./created-key.tsx";

/** First the form, then the key it made: the only time the key is shown. */
export function CreateDialog({ onClose }: { onClose(): void }) {
  const [created, setCreated] = useState<NewAuthKey>();
  if (created === undefined) {
    return (
      <Dialog title="Generate Auth Key" description="Machines use it to join this organization." onClose={onClose}>
        <CreateForm onCreated={setCreated} onCancel={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Your new auth key"
      description={
        <>
          <span className="font-medium break-words text-ink">{created.name}</span> is ready.
        </>
      }
      sticky
      onClose={onClose}
    >
      <CreatedKey created={created} onClose={onClose} />
    </Dialog>
  );
}
