import { Check, Copy } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "./button.tsx";
import { showToast } from "./toast.ts";

interface CopyButtonProps {
  value: string;
  /** What is copied, for the name of the button: "Copy key". */
  what: string;
  /** Shows the name beside the icon. */
  named?: boolean;
  autoFocus?: boolean;
}

export function CopyButton({ value, what, named = false, autoFocus = false }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => {
    const done = await copyText(value, button.current);
    setCopied(done);
    showToast(done ? `Copied ${what}` : `Could not copy: select the ${what} and copy it by hand`, done ? "ok" : "bad");
  };
  const Icon = copied ? Check : Copy;
  return (
    <Button
      ref={button}
      small
      autoFocus={autoFocus}
      look={named ? "plain" : "quiet"}
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      className={named ? "" : "w-8 px-0!"}
      onClick={() => void copy()}
    >
      <Icon className={`size-4 ${copied ? "text-ok-ink" : ""}`} aria-hidden="true" />
      {named && (copied ? "Copied" : "Copy")}
    </Button>
  );
}

async function copyText(text: string, near: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text, near);
  }
}

/** Browsers give the clipboard to https and localhost only; a selection can be copied anywhere. */
function copySelection(text: string, near: HTMLElement | null): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "sr-only";
  (near?.parentElement ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  near?.focus();
  return done;
}
