import { useState } from "react";

/**
 * Gives the focus back when a dialog closes: to what had it when the dialog was first rendered, or to the page when
 * that is gone. (Radix would remember the field that `autoFocus` has already moved it to.)
 */
export function useOpener(): (event: Event) => void {
  const [opener] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    const there = opener instanceof HTMLElement && opener.isConnected && opener !== document.body;
    (there ? opener : document.getElementById("main"))?.focus();
  };
}
