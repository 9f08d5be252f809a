import * as v from "valibot";

/** The first problem of each field by its name, or undefined when all are well. */
export function fieldProblems(
  schema: v.GenericSchema<never, unknown> | v.GenericSchema<unknown, unknown>,
  input: unknown,
): Partial<Record<string, string>> | undefined {
  const parsed = v.safeParse(schema, input);
  if (parsed.success) return undefined;
  const problems: Record<string, string> = {};
  for (const issue of parsed.issues) problems[v.getDotPath(issue) ?? ""] ??= issue.message;
  return problems;
}

/** Moves the focus to the first field that was refused, once it is marked. */
export function focusFirstProblem(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid]")?.focus());
}
