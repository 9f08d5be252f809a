import { errorCatalogue, type ErrorCode, isErrorCode } from "#protocol/errors.ts";

/** What these codes mean to somebody who comes back from a provider. */
const texts: Partial<Record<ErrorCode, string>> = {
  INVALID_STATE: "This sign-in took too long or was started in another browser. Try again.",
  INVALID_CODE: "The sign-in provider's answer was not valid. Try again.",
  INVALID_TOKEN: "Your session has ended. Sign in again.",
};

/** The code stands in the address, where anybody can write anything. */
export function providerProblem(code: string): string {
  const known = isErrorCode(code) ? code : "INTERNAL_ERROR";
  return texts[known] ?? errorCatalogue[known].message;
}
