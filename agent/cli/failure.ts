/** Ends the program with this exit code and, when there is one, a line on standard error. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const NOT_RUNNING = "the VPN is not running. Run 'ztna up' first";
