/** The control plane of this build; the build writes it here, the repository knows none. */
export const DEFAULT_API_URL: string | undefined = undefined;
