export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one event, named `noun.verb`. Never give it a secret. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

export interface LogOptions {
  readonly path: string;
  readonly level: LogLevel;
  readonly maxBytes?: number;
  /** Older files that are kept beside the current one, as `.1`, `.2`, … */
  readonly backups?: number;
  readonly clock?: () => Date;
}

export const LOG_MAX_BYTES = 10 * 1024 * 1024;
export const LOG_BACKUPS = 2;

/** A log of JSON lines in a file that is turned over by size. A log that cannot be written never stops the agent. */
export class LogFile {
  readonly #options: Required<LogOptions>;
  readonly #least: number;
  #file: Deno.FsFile | undefined;
  #bytes = 0;

  constructor(options: LogOptions) {
    this.#options = { maxBytes: LOG_MAX_BYTES, backups: LOG_BACKUPS, clock: () => new Date(), ...options };
    this.#least = logLevels.indexOf(options.level);
  }

  readonly write: Log = (level, event, fields = {}) => {
    if (logLevels.indexOf(level) < this.#least) return;
    const line = JSON.stringify({ time: this.#options.clock().toISOString(), level, event, ...fields }) + "\n";
    const bytes = new TextEncoder().encode(line);
    try {
      this.#open();
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.maxBytes) this.#turnOver();
      this.#file!.writeSync(bytes);
      this.#bytes += bytes.length;
    } catch {
      this.close();
    }
  };

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): void {
    if (this.#file !== undefined) return;
    this.#file = Deno.openSync(this.#options.path, { create: true, append: true, mode: 0o600 });
    this.#bytes = this.#file.statSync().size;
  }

  #turnOver(): void {
    this.close();
    const { path, backups } = this.#options;
    const name = (age: number) => age === 0 ? path : `${path}.${age}`;
    for (let age = backups; age > 0; age--) {
      try {
        Deno.renameSync(name(age - 1), name(age));
      } catch (cause) {
        if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      }
    }
    this.#open();
  }
}
