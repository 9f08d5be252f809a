import { useCallback, useState } from "react";
import { ZtnaError } from "#protocol/errors.ts";

/** What a person reads about a refusal: the catalogue's text, and when to try again where the server says so. */
export function describeProblem(error: unknown): string {
  if (!(error instanceof ZtnaError)) return "Something went wrong in this page. Reload it and try again.";
  const seconds = error.details["retry_after_s"];
  if (typeof seconds !== "number" || seconds < 1) return error.message;
  return `${error.message.replace(/ ?Try again later\.?$/, "")} Try again in ${duration(seconds)}.`;
}

/** One problem at a time, as a form or panel shows it. */
export function useProblem() {
  const [text, setText] = useState<string>();
  const report = useCallback((error: unknown) => setText(describeProblem(error)), []);
  const clear = useCallback(() => setText(undefined), []);
  return { text, report, clear };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
