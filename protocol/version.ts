/** The product version, as `ztna version` prints it. */
export const PRODUCT_VERSION = "0.1.0";

/**
 * The version of the agent's wire protocols (control stream, relay frames).
 * History: 1 first release.
 */
export const PROTOCOL_VERSION = 1;
