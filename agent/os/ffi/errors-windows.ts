/** Windows' error numbers (winerror.h), of those functions that return one and of `GetLastError`. */
export const WindowsError = {
  none: 0,
  accessDenied: 5,
  invalidData: 13,
  handleEof: 38,
  alreadyExists: 183,
  notFound: 1168,
  objectAlreadyExists: 5010,
} as const;
