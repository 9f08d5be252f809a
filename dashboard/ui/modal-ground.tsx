import { type ReactNode, useLayoutEffect } from "react";

/** The dimmed ground of a modal dialog; the page below neither scrolls nor moves. */
export function ModalGround({ children }: { children: ReactNode }) {
  useLayoutEffect(() => {
    const { style, clientWidth } = document.documentElement;
    const scrollbar = innerWidth - clientWidth;
    style.overflow = "hidden";
    style.paddingRight = `${scrollbar}px`;
    return () => {
      style.overflow = "";
      style.paddingRight = "";
    };
  }, []);
  return (
    <div className="fixed inset-0 z-40 flex animate-fade items-end justify-center overflow-y-auto bg-scrim sm:items-center sm:p-6">
      {children}
    </div>
  );
}
