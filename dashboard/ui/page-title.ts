import { useEffect } from "react";

/** The title of the browser tab while this page is in view. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · QuickZTNA`;
  }, [title]);
}
