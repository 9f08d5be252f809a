import type { ErrorCode, ZtnaError } from "#protocol/errors.ts";

const hints: Partial<Record<ErrorCode, string>> = {
  FORBIDDEN: "Ask an admin of your organization",
  INVALID_INPUT: "Run the command with --help to see what it takes",
  NOT_FOUND: "Run 'ztna machines list' to see what there is",
  UNAUTHORIZED: "Run 'ztna login' first",
  UNAVAILABLE: "Check the network, then try again; 'ztna status' shows which control plane is meant",
};

/** A refusal in one line that ends with what to do next. A text that ends with a full stop has said it already. */
export function refusalLine({ code, message }: ZtnaError): string {
  const hint = hints[code];
  return `${code}: ${message}${message.endsWith(".") || hint === undefined ? "" : `. ${hint}`}`;
}
