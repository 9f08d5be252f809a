import { type Reply, ZtnaError } from "#protocol/errors.ts";

/** Runs an RPC method's work: refusals become replies, because thrown errors lose their class over RPC. */
export function answer<T>(work: () => T): Reply<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    if (!(error instanceof ZtnaError)) throw error;
    return { ok: false, code: error.code, message: error.message, details: error.details };
  }
}
