import { type ErrorCode, ZtnaError } from "#protocol/errors.ts";
import type { OrgId } from "#protocol/ids.ts";
import type { Timings } from "#protocol/limits.ts";
import { Change } from "./change.ts";
import { type ConfiguredOrg, findOrg, insertOrg } from "./store/org.ts";
import { applySchema, hasTables } from "./store/schema.ts";

/** The rows of the org, and the one way to change them. An org nobody initialised has none and stores nothing. */
export class Ledger {
  readonly sql: SqlStorage;
  readonly #storage: DurableObjectStorage;
  readonly #timings: Timings;
  readonly #publish: (change: Change) => void;
  #isOpen = false;
  #commit: Promise<void> | undefined;

  /** `publish` tells of each committed change whom it concerns. */
  constructor(storage: DurableObjectStorage, timings: Timings, publish: (change: Change) => void) {
    this.#storage = storage;
    this.sql = storage.sql;
    this.#timings = timings;
    this.#publish = publish;
    if (hasTables(this.sql)) this.#open();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  initialize(org: { id: OrgId; name: string; slug: string }): void {
    this.#open();
    const known = findOrg(this.sql);
    if (known === undefined) insertOrg(this.sql, org);
    else if (known.id !== org.id) throw new ZtnaError("CONFLICT");
  }

  /** The org as it is, or the refusal when there is none. */
  org(refusal: ErrorCode = "NOT_FOUND"): ConfiguredOrg {
    const org = this.#isOpen ? findOrg(this.sql) : undefined;
    if (org === undefined) throw new ZtnaError(refusal);
    return { ...org, key_day_ms: this.#timings.node_key_day_s * 1000 };
  }

  /** Runs one change of the org in one synchronous transaction, then tells whom it concerns. */
  write<T>(work: (change: Change) => T, org = this.org()): T {
    const change = new Change(this.sql, org, Date.now());
    const value = this.#storage.transactionSync(() => {
      const done = work(change);
      change.seal();
      return done;
    });
    if (!change.isEmpty) this.#publish(change);
    return value;
  }

  /**
   * Resolves once the commit in flight is on disk; all who waited for it then write in one turn, which the runtime commits
   * at once. A storm costs one flush for many registrations, a single one waits for nothing.
   */
  nextCommit(): Promise<void> {
    return this.#commit ??= this.#storage.sync().finally(() => void (this.#commit = undefined));
  }

  #open(): void {
    this.#storage.transactionSync(() => applySchema(this.sql));
    this.#isOpen = true;
  }
}
