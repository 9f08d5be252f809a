import type * as v from "valibot";
import type { ErrorCode } from "../errors.ts";

type AnySchema = v.GenericSchema<never, unknown> | v.GenericSchema<unknown, unknown>;

/**
 * Who may ask: nobody in particular, a person with an access token, a person or a machine with its token, or a machine with
 * its node key in the body.
 */
export type Caller = "anyone" | "user" | "user_or_machine" | "machine";

/** One call of the HTTP API. The only place where its method and path are written. */
export interface Endpoint<Request extends AnySchema = AnySchema, Response extends AnySchema = AnySchema> {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Other paths that answer the same. */
  readonly aliases?: readonly string[];
  /** The `action` of the body, for paths that serve several. */
  readonly action?: string;
  readonly caller: Caller;
  readonly status: 200 | 201;
  /** What the caller sends: the JSON body of a POST, the query of a GET. */
  readonly request: Request;
  /** What stands in `data` of the envelope. */
  readonly response: Response;
  readonly refusals: readonly ErrorCode[];
}

export type RequestOf<E extends Endpoint> = v.InferOutput<E["request"]>;
export type InputOf<E extends Endpoint> = v.InferInput<E["request"]>;
export type ResponseOf<E extends Endpoint> = v.InferOutput<E["response"]>;

export function endpoint<Request extends AnySchema, Response extends AnySchema>(
  descriptor: Omit<Endpoint<Request, Response>, "status"> & { status?: 200 | 201 },
): Endpoint<Request, Response> {
  return { status: 200, ...descriptor };
}

/** The envelope every answer has. */
export type Envelope<T> =
  | { success: true; data: T; error: null }
  | { success: false; data: null; error: { code: ErrorCode; message: string; [detail: string]: unknown } };
