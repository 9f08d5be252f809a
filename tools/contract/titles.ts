/** One test as its source names it: the titles of its groups and its own, joined. */
export interface TitledTest {
  readonly file: string;
  readonly title: string;
}

/**
 * A call that names a group or a test. Each form ends before the title's quotation mark: `describe(`, `it.each(rows)(`, the end of
 * rows that take several lines, `Deno.test({ name: `.
 */
const opening = new RegExp(
  String
    .raw`^([ \t]*)(?:(describe|it|test|Deno\.test|(?:await )?t\.step)(?:\.\w+)*(?:\((?:[^()\n]|\([^()\n]*\))*\))?|\](?: as const)?\))` +
    String.raw`\(\s*(?:\{\s*name:\s*)?(["'${"`"}])((?:\\.|(?!\3)[\s\S])*)\3`,
  "gm",
);

/** The tests of a file. Its form is that of `deno fmt`: what stands deeper belongs to the group above it. */
export function readTitles(file: string, source: string): TitledTest[] {
  const tests: TitledTest[] = [];
  const groups: { readonly indent: number; readonly title: string }[] = [];
  for (const [, space = "", call = "test", , text = ""] of source.matchAll(opening)) {
    const indent = space.length;
    while (groups.length > 0 && groups.at(-1)!.indent >= indent) groups.pop();
    const title = text.replaceAll(/\\(.)/g, "$1").replaceAll(/\s+/g, " ");
    groups.push({ indent, title });
    if (call !== "describe") tests.push({ file, title: groups.map((group) => group.title).join(" › ") });
  }
  return tests;
}
