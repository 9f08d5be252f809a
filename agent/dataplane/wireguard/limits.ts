/** Whitepaper 6.1, in milliseconds. */
export const REKEY_AFTER_MS = 120_000;
export const REJECT_AFTER_MS = 180_000;
export const REKEY_ATTEMPT_MS = 90_000;
export const REKEY_TIMEOUT_MS = 5_000;
export const KEEPALIVE_TIMEOUT_MS = 10_000;
/** The initiator asks early on receive, so that a lone receiver never meets a dead key. */
export const REKEY_ON_RECEIVE_MS = REJECT_AFTER_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS;
/** Sent, and nothing came back: a new handshake. */
export const UNANSWERED_MS = KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
/** Keys no handshake has replaced for this long are zeroed. */
export const ZERO_KEYS_MS = 3 * REJECT_AFTER_MS;

/**
 * The whitepaper's message limits are 2^60 and 2^64 - 2^13 - 1. Our counters are exact only below 2^53, so both lie lower;
 * a received counter above the second is dropped.
 */
export const REKEY_AFTER_MESSAGES = 2 ** 52;
export const REJECT_AFTER_MESSAGES = 2 ** 53 - 2 ** 13 - 1;
