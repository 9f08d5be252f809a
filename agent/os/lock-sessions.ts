/** What became of locking, in a sentence. */
export interface Locked {
  readonly done: boolean;
  readonly said: string;
}

const ENDS_MS = 10_000;

/** Locks the screens of everybody who is logged in on this machine, as far as its system has a way. */
export async function lockSessions(os: string = Deno.build.os, program = "loginctl"): Promise<Locked> {
  if (os !== "linux") return { done: false, said: `Locking is not built for ${os} yet` };
  try {
    const { code, stderr } = await new Deno.Command(program, {
      args: ["lock-sessions"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(ENDS_MS),
    }).output();
    if (code === 0) return { done: true, said: "All sessions were told to lock" };
    const [why = ""] = new TextDecoder().decode(stderr).trim().split("\n");
    return {
      done: false,
      said: `loginctl lock-sessions failed: ${why === "" ? `exit code ${code}` : why.slice(0, 120)}`,
    };
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    return { done: false, said: isMissing ? "This system has no loginctl" : "loginctl could not be run" };
  }
}
