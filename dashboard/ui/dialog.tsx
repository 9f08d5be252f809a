import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { ModalGround } from "./modal-ground.tsx";
import { useOpener } from "./opener.ts";

interface DialogProps {
  title: string;
  description: ReactNode;
  children: ReactNode;
  onClose(): void;
  /** A click beside the dialog leaves it open: what it shows cannot be shown again. */
  sticky?: boolean;
}

/** A modal dialog: keeps the focus, gives it back, closes by Escape. A sheet from below on a phone. */
export function Dialog({ title, description, children, onClose, sticky = false }: DialogProps) {
  const giveFocusBack = useOpener();
  return (
    <Primitive.Root open onOpenChange={(open) => open || onClose()}>
      <Primitive.Portal>
        <ModalGround>
          <Primitive.Content
            onCloseAutoFocus={giveFocusBack}
            onInteractOutside={(event) => sticky && event.preventDefault()}
            className="relative w-full max-w-lg animate-pop rounded-t-2xl border border-line bg-surface p-6 shadow-pop focus:outline-none max-sm:max-h-[94dvh] max-sm:overflow-y-auto max-sm:p-5 sm:m-auto sm:rounded-2xl"
          >
            <Primitive.Title className="pr-10 text-base font-semibold">{title}</Primitive.Title>
            <Primitive.Description asChild className="mt-1 text-muted">
              <div>{description}</div>
            </Primitive.Description>
            {children}
            <Primitive.Close
              aria-label="Close"
              className="absolute top-4 right-4 grid size-8 place-items-center rounded-md text-muted hover:bg-hover hover:text-ink"
            >
              <X className="size-4" />
            </Primitive.Close>
          </Primitive.Content>
        </ModalGround>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-6 flex justify-end gap-2 max-sm:*:h-11 max-sm:*:grow">{children}</div>;
}
