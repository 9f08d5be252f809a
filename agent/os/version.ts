/** What this machine runs, as people call it: the distribution on Linux, else the kernel's release. */
export function osVersionDetail(): string {
  const kernel = `${Deno.build.os} ${Deno.osRelease()}`;
  if (Deno.build.os !== "linux") return kernel;
  try {
    return prettyName(Deno.readTextFileSync("/etc/os-release")) ?? kernel;
  } catch {
    return kernel;
  }
}

/** The name in a file of os-release(5). */
export function prettyName(osRelease: string): string | undefined {
  const value = /^PRETTY_NAME=(?:"([^"]*)"|'([^']*)'|(\S+))$/m.exec(osRelease);
  const name = (value?.[1] ?? value?.[2] ?? value?.[3] ?? "").trim();
  return name === "" ? undefined : name.slice(0, 200);
}
