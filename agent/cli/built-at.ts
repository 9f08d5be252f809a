/** When this program was built, ISO 8601; the build writes it here, a run from source has none. */
export const BUILT_AT: string | undefined = undefined;
