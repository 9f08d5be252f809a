/** One entry per code that can cross a process border: the HTTP status, whether a retry can help, and the text people see. */
export const errorCatalogue = {
  ACCOUNT_LOCKED: {
    status: 403,
    retry: false,
    message: "Account locked after too many failed logins. Try again later.",
  },
  ALREADY_MEMBER: { status: 409, retry: false, message: "Already a member of this organization" },
  CONFLICT: { status: 409, retry: false, message: "The record was changed or exists already" },
  EMAIL_NOT_VERIFIED: {
    status: 403,
    retry: false,
    message: "This sign-in provider has not verified your e-mail address",
  },
  DUPLICATE_INVITATION: { status: 409, retry: false, message: "This e-mail has an open invitation already" },
  EMAIL_MISMATCH: { status: 403, retry: false, message: "This invitation is for another e-mail address" },
  FORBIDDEN: { status: 403, retry: false, message: "Admin required" },
  INTERNAL_ERROR: { status: 500, retry: true, message: "Something went wrong on our side. Try again." },
  INVALID_CODE: { status: 401, retry: false, message: "Invalid or expired code" },
  INVALID_CREDENTIALS: { status: 401, retry: false, message: "Invalid email or password" },
  INVALID_INPUT: { status: 400, retry: false, message: "Invalid input" },
  INVALID_INVITATION: { status: 404, retry: false, message: "Invalid or expired invitation" },
  INVALID_JSON: { status: 400, retry: false, message: "Request body must be valid JSON" },
  INVALID_KEY: { status: 401, retry: false, message: "Invalid or expired auth key" },
  INVALID_NODE_KEY: { status: 401, retry: false, message: "Unknown node key. Register this machine again." },
  INVALID_PASSWORD: { status: 403, retry: false, message: "Wrong password" },
  INVALID_ROLE: { status: 400, retry: false, message: "Role must be owner, admin, member or auditor" },
  INVALID_STATE: { status: 400, retry: false, message: "Not possible in the state it is in" },
  INVALID_TICKET: { status: 401, retry: true, message: "Invalid or expired relay ticket" },
  INVALID_TOKEN: { status: 401, retry: false, message: "Invalid or expired refresh token" },
  INVALID_VALUE: { status: 400, retry: false, message: "Invalid value" },
  IP_NOT_ALLOWED: { status: 403, retry: false, message: "Registration not allowed from this IP address" },
  KEY_EXPIRED: { status: 403, retry: false, message: "Machine key has expired. Re-authenticate to continue." },
  KEY_USED: { status: 401, retry: false, message: "Auth key already used" },
  LOGIN_CANCELLED: { status: 400, retry: false, message: "The sign-in was cancelled or refused at the provider" },
  METHOD_NOT_ALLOWED: { status: 405, retry: false, message: "Method not allowed" },
  MISSING_FIELDS: { status: 400, retry: false, message: "Required fields are missing" },
  MISSING_TOKEN: { status: 400, retry: false, message: "refresh_token required" },
  NOT_CONFIGURED: { status: 503, retry: false, message: "This is not configured here" },
  NOT_FOUND: { status: 404, retry: false, message: "Not found" },
  PAYLOAD_TOO_LARGE: { status: 413, retry: false, message: "Request body is too large" },
  PENDING_APPROVAL: { status: 403, retry: false, message: "Machine is pending approval" },
  PLAN_LIMIT_REACHED: { status: 403, retry: false, message: "User limit reached. Upgrade your plan." },
  QUOTA_EXCEEDED: { status: 403, retry: false, message: "Machine limit reached. Upgrade your plan." },
  RATE_LIMITED: { status: 429, retry: true, message: "Too many requests. Try again later." },
  REGISTRATION_CONFLICT: {
    status: 409,
    retry: true,
    message: "This name is held by a machine that is connected right now. Choose another name or stop that machine.",
  },
  UNAUTHORIZED: { status: 401, retry: false, message: "Authentication required" },
  UNAVAILABLE: { status: 503, retry: true, message: "The service is not reachable right now. Try again." },
  UNKNOWN_ACTION: { status: 400, retry: false, message: "Unknown action" },
  UNSAFE_DELETE: {
    status: 400,
    retry: false,
    message:
      "DELETE requires at least one record filter (e.g. id=eq.X or _filters). Cannot delete all records in a table.",
  },
  UPGRADE_REQUIRED: { status: 426, retry: false, message: "This path speaks WebSocket only" },
} as const satisfies Record<string, { status: number; retry: boolean; message: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Extra keys of the `error` object on the wire, such as `retry_after_s` or `available`. */
export type ErrorDetails = Record<string, string | number | boolean | readonly string[]>;

/** A refusal that a person or program may see. What caused it goes into `cause`, which is only ever logged. */
export class ZtnaError extends Error {
  override readonly name = "ZtnaError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly status: number;

  /** `status` is for the few refusals whose HTTP status in the contract is not that of their code. */
  constructor(
    code: ErrorCode,
    message: string = errorCatalogue[code].message,
    options: { details?: ErrorDetails; status?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.status = options.status ?? errorCatalogue[code].status;
  }

  /** True when the same request may succeed later without a change by the caller. */
  get retry(): boolean {
    return errorCatalogue[this.code].retry;
  }
}

/** What a Durable Object answers over RPC, where thrown errors lose their class (docs/architecture.md). */
export type Reply<T> =
  | { ok: true; value: T }
  | { ok: false; code: ErrorCode; message: string; details: ErrorDetails };

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCatalogue, text);
}
