/** The name to ask for when this one is taken: its last number counted up. */
export function nextName(name: string): string {
  const [, stem, number] = /^(.*?)(\d*)$/.exec(name)!;
  return `${stem}${Number(number) + 1}`;
}
