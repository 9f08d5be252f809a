import type { Background } from "../lab/background.ts";
import type { Host } from "../lab/host.ts";

const color = process.stdout.isTTY === true;
const paint = (code: number, text: string) => color ? `\u001b[${code}m${text}\u001b[0m` : text;

/** Shows a heading of the chapter. */
export function heading(text: string): void {
  console.log(`\n${paint(1, text)}`);
}

/** Says in a line what happens behind the scenes. */
export function aside(text: string): void {
  console.log(paint(2, `  # ${text}`));
}

/** Types a command on a host and shows what it prints; a failure ends the demo unless it is what we came to see. */
export async function type(host: Host, line: string, expectedCode?: number): Promise<string> {
  prompt(host, line);
  const { code, stdout, stderr } = await host.shell(line);
  process.stdout.write(stdout + stderr);
  if (expectedCode !== undefined && code !== expectedCode) throw new Error(`${line}: exit code ${code}`);
  return stdout;
}

/** Types a command that keeps running, and shows what it prints until the given line is there. */
export async function typeAndLeave(host: Host, line: string, until: string): Promise<Background> {
  prompt(host, line);
  const running = host.start("bash", ["-c", `exec ${line}`]);
  await running.prints(until, 40_000);
  process.stdout.write(running.stdout + running.stderr);
  return running;
}

function prompt(host: Host, line: string): void {
  console.log(`${paint(36, `${host.name}$`)} ${line}`);
}
