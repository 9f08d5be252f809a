import { Button } from "./button.tsx";
import { BrokenLinkArt } from "./illustrations.tsx";

/** A list that could not be read, with a way to try again. */
export function ProblemPanel({ title, text, busy, onRetry }: {
  title: string;
  text: string;
  busy: boolean;
  onRetry(): void;
}) {
  return (
    <section
      role="alert"
      className="flex flex-col items-center rounded-xl border border-line bg-surface px-6 py-12 text-center shadow-card"
    >
      <BrokenLinkArt />
      <h2 className="mt-6 text-base font-semibold">{title}</h2>
      <p className="mt-1.5 max-w-md text-balance text-muted">{text}</p>
      <Button className="mt-6" busy={busy} onClick={onRetry}>Try again</Button>
    </section>
  );
}
