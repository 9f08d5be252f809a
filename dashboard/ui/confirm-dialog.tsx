import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { DialogActions } from "./dialog.tsx";
import { ModalGround } from "./modal-ground.tsx";
import { Notice } from "./notice.tsx";
import { useOpener } from "./opener.ts";

interface ConfirmDialogProps {
  title: string;
  children: ReactNode;
  action: string;
  busy: boolean;
  problem?: string | undefined;
  onConfirm(): void;
  onClose(): void;
}

/** Asks before something that cannot be undone; the focus starts on Cancel. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const giveFocusBack = useOpener();
  return (
    <AlertDialog.Root open onOpenChange={(open) => open || props.onClose()}>
      <AlertDialog.Portal>
        <ModalGround>
          <AlertDialog.Content
            onCloseAutoFocus={giveFocusBack}
            className="w-full max-w-md animate-pop rounded-t-2xl border border-line bg-surface p-6 shadow-pop focus:outline-none sm:rounded-2xl"
          >
            <AlertDialog.Title className="text-base font-semibold">{props.title}</AlertDialog.Title>
            <AlertDialog.Description asChild className="mt-2 text-muted">
              <div>{props.children}</div>
            </AlertDialog.Description>
            {props.problem !== undefined && <Notice tone="bad" className="mt-4">{props.problem}</Notice>}
            <DialogActions>
              <AlertDialog.Cancel asChild>
                <Button>Cancel</Button>
              </AlertDialog.Cancel>
              <Button look="danger" busy={props.busy} onClick={props.onConfirm}>{props.action}</Button>
            </DialogActions>
          </AlertDialog.Content>
        </ModalGround>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
