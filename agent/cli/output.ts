const encoder = new TextEncoder();

export function print(text: string): void {
  writeAll(Deno.stdout, text + "\n");
}

export function printError(text: string): void {
  writeAll(Deno.stderr, text + "\n");
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A line that the next one overwrites, for somebody at a terminal only. */
export function printProgress(text: string): void {
  if (Deno.stdout.isTerminal()) writeAll(Deno.stdout, `\r\x1b[K${text}`);
}

/** Pads cells to the widths of their columns; the last column runs free. Too long cells push the rest. */
export function row(widths: readonly number[], cells: readonly string[]): string {
  return cells.map((cell, i) => i < widths.length ? pad(cell, widths[i]!) : cell).join("").trimEnd();
}

/** A line below the head of a table, to the end of a last column of this width. */
export function rule(widths: readonly number[], last: number): string {
  return "-".repeat(widths.reduce((sum, width) => sum + width, last));
}

/** Text from elsewhere (a peer's name) must not steer the terminal. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

function pad(cell: string, width: number): string {
  return cell.length >= width ? `${cell} ` : cell.padEnd(width);
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
  } catch (cause) {
    // The reader of a pipe left (`ztna log | head`): there is nobody to tell.
    if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
  }
}
