/** Which item of a menu a key leads to, or undefined when the key means nothing there. `at` is -1 before the first. */
export function nextInMenu(texts: readonly string[], at: number, key: string): number | undefined {
  const last = texts.length - 1;
  if (last < 0) return undefined;
  if (key === "ArrowDown") return at >= last ? 0 : at + 1;
  if (key === "ArrowUp") return at <= 0 ? last : at - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  return key.length === 1 && key.trim() !== "" ? startingWith(texts, at, key) : undefined;
}

function startingWith(texts: readonly string[], at: number, letter: string): number | undefined {
  for (let step = 1; step <= texts.length; step++) {
    const index = (at + step) % texts.length;
    if (texts[index]?.trim().toLowerCase().startsWith(letter.toLowerCase())) return index;
  }
  return undefined;
}
