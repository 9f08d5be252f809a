import type { Chapter, Item } from "./items.ts";
import type { TitledTest } from "./titles.ts";

/** More tests than this show the same thing over and over. */
const MOST_SHOWN = 3;

const introduction = `# The contract and its tests

What the product promises about registering machines and about their life, and the tests that name it.
Made by \`npm run docs:contract\` from the titles of the tests; not edited by hand.
`;

/** The tests that prove an item, the plainest first: its words with the fewest others around them. */
export function proofsOf(item: Item, tests: readonly TitledTest[]): TitledTest[] {
  const wordings = [item.words, ...(item.amongRows === undefined ? [] : [item.amongRows])];
  const patterns = wordings.map((words) => words.map(wholeWord));
  return tests.filter(({ title }) => patterns.some((all) => all.every((pattern) => pattern.test(title))))
    .sort((a, b) => a.title.length - b.title.length || compare(a.title, b.title));
}

export function missingItems(chapters: readonly Chapter[], tests: readonly TitledTest[]): string[] {
  return chapters.flatMap(({ items }) => items).filter((item) => proofsOf(item, tests).length === 0)
    .map(({ name }) => name);
}

export function writeContract(chapters: readonly Chapter[], tests: readonly TitledTest[]): string {
  return [introduction, ...chapters.map((chapter) => writeChapter(chapter, tests))].join("\n");
}

function writeChapter({ title, items }: Chapter, tests: readonly TitledTest[]): string {
  const rows = items.map((item) => `| ${code(item.name)} | ${writeProofs(proofsOf(item, tests))} |`);
  return `## ${title}\n\n| | proved by |\n|---|---|\n${rows.join("\n")}\n`;
}

function writeProofs(proofs: readonly TitledTest[]): string {
  if (proofs.length === 0) return "**missing**";
  const shown = proofs.slice(0, MOST_SHOWN).map(({ file, title }) => `${escape(title)} (${code(file)})`);
  const more = proofs.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("<br>");
}

function wholeWord(word: string): RegExp {
  const text = word.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
  return new RegExp(`(?<![\\w/-])${text}(?![\\w/-])`);
}

function code(text: string): string {
  return `\`${text}\``;
}

function escape(text: string): string {
  return text.replaceAll("|", String.raw`\|`).replaceAll("<", "&lt;");
}

/** By code points: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
