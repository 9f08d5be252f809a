import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

const itemClass =
  "flex min-h-8 select-none items-center gap-2.5 rounded-md px-2.5 py-1.5 outline-none data-highlighted:bg-hover max-md:min-h-10";

/** A drop-down menu under its trigger; arrow keys, typing and Escape work. */
export function Menu({ trigger, children, align = "start" }: {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          sideOffset={6}
          collisionPadding={12}
          className="z-30 min-w-56 max-w-80 animate-pop rounded-xl border border-line bg-surface p-1.5 shadow-pop"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export function MenuItem({ children, onSelect }: { children: ReactNode; onSelect(): void }) {
  return <DropdownMenu.Item className={`${itemClass} cursor-pointer`} onSelect={onSelect}>{children}
  </DropdownMenu.Item>;
}

export function MenuChoices<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T;
  options: readonly { value: T; text: string; icon?: ReactNode }[];
  onChange(value: T): void;
}) {
  return (
    <>
      <DropdownMenu.Label className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-muted">{label}</DropdownMenu.Label>
      <DropdownMenu.RadioGroup value={value} onValueChange={(chosen) => onChange(chosen as T)}>
        {options.map((option) => (
          <DropdownMenu.RadioItem key={option.value} value={option.value} className={`${itemClass} cursor-pointer`}>
            {option.icon}
            <span className="min-w-0 grow truncate">{option.text}</span>
            <DropdownMenu.ItemIndicator>
              <Check className="size-4 text-accent-ink" />
            </DropdownMenu.ItemIndicator>
          </DropdownMenu.RadioItem>
        ))}
      </DropdownMenu.RadioGroup>
    </>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className="-mx-1.5 my-1.5 h-px bg-line" />;
}
