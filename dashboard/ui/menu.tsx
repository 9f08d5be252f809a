import { Check } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { nextInMenu } from "./menu-keys.ts";

interface MenuProps {
  /** The trigger's accessible name. */
  label: string;
  trigger: ReactNode;
  triggerClass: string;
  children: ReactNode;
  align?: "start" | "end";
}

/**
 * A menu under its button, by the menu button pattern of WAI-ARIA: arrow keys, Home, End, first letters, Escape.
 * Ours, because with Radix' one and its positioning every first visit would load a fifth more.
 */
export function Menu({ label, trigger, triggerClass, children, align = "start" }: MenuProps) {
  const id = useId();
  const [open, setOpen] = useState<"first" | "last">();
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (open === undefined) return;
    const items = itemsOf(menu.current);
    items.at(open === "first" ? 0 : -1)?.focus();
    const leave = (event: Event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(undefined);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);

  const close = () => {
    setOpen(undefined);
    button.current?.focus();
  };
  const onTriggerKey = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    setOpen(event.key === "ArrowDown" ? "first" : "last");
  };
  const onMenuKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") return close();
    if (event.key === "Tab") return setOpen(undefined);
    const items = itemsOf(menu.current);
    const at = items.findIndex((item) => item === document.activeElement);
    const next = nextInMenu(items.map((item) => item.textContent ?? ""), at, event.key);
    if (next === undefined) return;
    event.preventDefault();
    items[next]?.focus();
  };

  return (
    <div ref={box} className="relative min-w-0">
      <button
        ref={button}
        type="button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open !== undefined}
        aria-controls={id}
        className={triggerClass}
        onClick={() => setOpen(open === undefined ? "first" : undefined)}
        onKeyDown={onTriggerKey}
      >
        {trigger}
      </button>
      {open !== undefined && (
        <div
          ref={menu}
          id={id}
          role="menu"
          aria-label={label}
          onKeyDown={onMenuKey}
          onClick={(event) => event.target instanceof Element && event.target.closest("[role^=menuitem]") && close()}
          className={`absolute top-full z-30 mt-2 max-h-[80dvh] w-64 max-w-[calc(100vw-2rem)] animate-pop overflow-y-auto rounded-xl border border-line bg-surface p-1.5 shadow-pop ${
            align === "end" ? "right-0" : "left-0"
          }`}
        >
          {children}
        </div>
      )}
    </div>
  );
}

export function MenuItem({ className = "", ...props }: ComponentProps<"button">) {
  return (
    <button
      role="menuitem"
      {...props}
      type="button"
      tabIndex={-1}
      className={`flex min-h-8 w-full items-center gap-2.5 rounded-md px-2.5 py-1.5 text-left hover:bg-hover focus-visible:-outline-offset-2 max-md:min-h-10 ${className}`}
    />
  );
}

export function MenuChoices<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T;
  options: readonly { value: T; text: string; icon?: ReactNode }[];
  onChange(value: T): void;
}) {
  return (
    <div role="group" aria-label={label}>
      <div className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-muted" aria-hidden="true">{label}</div>
      {options.map((option) => (
        <MenuItem
          key={option.value}
          role="menuitemradio"
          aria-checked={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.icon}
          <span className="min-w-0 grow truncate">{option.text}</span>
          {option.value === value && <Check className="size-4 shrink-0 text-accent-ink" aria-hidden="true" />}
        </MenuItem>
      ))}
    </div>
  );
}

export function MenuLine() {
  return <div role="separator" className="-mx-1.5 my-1.5 h-px bg-line" />;
}

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...menu?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? []];
}
