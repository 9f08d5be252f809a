import { Errno } from "./ffi/errno-linux.ts";
import { errno, libc } from "./ffi/libc-linux.ts";
import {
  AF_NETLINK,
  NETLINK_ROUTE,
  netlinkMessage,
  type NetlinkRequest,
  NLMSG_ERROR,
  NLMSGHDR_BYTES,
  SOCK_RAW_CLOEXEC,
} from "./ffi/netlink-linux.ts";

/** Sends requests to the kernel's routing tables one by one and returns its answers: 0 or an error number. */
export class Rtnetlink {
  #fd: number;
  readonly #reply = new Uint8Array(8192);
  #sequence = 0;

  constructor() {
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
  }

  request(request: NetlinkRequest): number {
    const sequence = ++this.#sequence;
    const message = netlinkMessage(request, sequence);
    if (libc.send(this.#fd, message, BigInt(message.length), 0) < 0) return errno();
    for (;;) {
      const received = libc.recv(this.#fd, this.#reply, BigInt(this.#reply.length), 0);
      const error = received < 0 ? errno() : this.#answerTo(sequence, received);
      if (error !== undefined && error !== Errno.EINTR) return error;
    }
  }

  /** More than once does no harm: the file's number may be another's by then. */
  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  /** struct nlmsgerr follows the header of an answer: the negative error number, 0 for done. */
  #answerTo(sequence: number, received: number): number | undefined {
    const view = new DataView(this.#reply.buffer, 0, received);
    for (let at = 0; at + NLMSGHDR_BYTES + 4 <= received;) {
      const length = view.getUint32(at, true);
      const answers = view.getUint16(at + 4, true) === NLMSG_ERROR && view.getUint32(at + 8, true) === sequence;
      if (answers) return -view.getInt32(at + NLMSGHDR_BYTES, true);
      at += Math.max((length + 3) & ~3, NLMSGHDR_BYTES);
    }
    return undefined;
  }
}
