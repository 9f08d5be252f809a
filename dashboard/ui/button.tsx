import type { ComponentProps } from "react";
import { Spinner } from "./spinner.tsx";

type Look = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent shadow-card enabled:hover:bg-accent-hover",
  plain: "border border-control/50 bg-surface text-ink shadow-card enabled:hover:bg-hover",
  quiet: "text-muted enabled:hover:bg-hover enabled:hover:text-ink",
  danger: "bg-bad-fill text-on-accent shadow-card enabled:hover:brightness-92",
};

export interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  small?: boolean;
  /** Shows a spinner and takes no clicks. */
  busy?: boolean;
}

export function Button({ look = "plain", small = false, busy = false, className = "", ...props }: ButtonProps) {
  return (
    <button
      type="button"
      {...props}
      aria-busy={busy || undefined}
      disabled={props.disabled === true || busy}
      className={`${buttonClass(look, small)} ${className}`}
    >
      {busy && <Spinner />}
      {props.children}
    </button>
  );
}

/** For links that look like buttons. */
export function buttonClass(look: Look = "plain", small = false): string {
  const size = small ? "h-8 rounded-md px-2.5 text-[0.8125rem]" : "h-9 rounded-lg px-3.5";
  return `inline-flex shrink-0 select-none items-center justify-center gap-2 whitespace-nowrap font-medium transition-colors disabled:opacity-55 ${size} ${
    looks[look]
  }`;
}
