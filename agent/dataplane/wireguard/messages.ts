/**
 * WireGuard's messages (whitepaper 5.4), integers little endian.
 *
 *   Initiation   type 1, reserved 3 | sender u32 | ephemeral 32 | static 32+16 | timestamp 12+16 | mac1 16 | mac2 16   148
 *   Response     type 2, reserved 3 | sender u32 | receiver u32 | ephemeral 32 | nothing 0+16   | mac1 16 | mac2 16    92
 *   CookieReply  type 3, reserved 3 | receiver u32 | nonce 24 | cookie 16+16                                           64
 *   Transport    type 4, reserved 3 | receiver u32 | counter u64 | packet n+16                                      32 + n
 */
export const MessageType = { initiation: 1, response: 2, cookieReply: 3, transport: 4 } as const;

export const INITIATION_BYTES = 148;
export const RESPONSE_BYTES = 92;
export const COOKIE_REPLY_BYTES = 64;
export const TRANSPORT_HEADER_BYTES = 16;

export const Initiation = { sender: 4, ephemeral: 8, static: 40, timestamp: 88, mac1: 116, mac2: 132 } as const;
export const Response = { sender: 4, receiver: 8, ephemeral: 12, nothing: 44, mac1: 60, mac2: 76 } as const;
export const CookieReply = { receiver: 4, nonce: 8, cookie: 32 } as const;
export const Transport = { receiver: 4, counter: 8 } as const;

/** The type of a well-formed message by its first 4 bytes and its length, or undefined. */
export function messageType(bytes: Uint8Array): 1 | 2 | 3 | 4 | undefined {
  if (bytes.length < 4 || bytes[1] !== 0 || bytes[2] !== 0 || bytes[3] !== 0) return undefined;
  switch (bytes[0]) {
    case MessageType.initiation:
      return bytes.length === INITIATION_BYTES ? 1 : undefined;
    case MessageType.response:
      return bytes.length === RESPONSE_BYTES ? 2 : undefined;
    case MessageType.cookieReply:
      return bytes.length === COOKIE_REPLY_BYTES ? 3 : undefined;
    case MessageType.transport:
      return bytes.length >= TRANSPORT_HEADER_BYTES + 16 ? 4 : undefined;
    default:
      return undefined;
  }
}
