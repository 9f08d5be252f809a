/** Linux error numbers (asm-generic/errno.h) that the adapters meet. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMSGSIZE: 90,
  EMFILE: 24,
  EBADFD: 77,
  ENOTSOCK: 88,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
} as const;

/** An error number in words for a person. */
export function errnoText(errno: number): string {
  return texts[errno] ?? `system error ${errno}`;
}

const texts: Readonly<Record<number, string>> = {
  [Errno.EPERM]: "operation not permitted",
  [Errno.ENOENT]: "no such file",
  [Errno.ESRCH]: "no such entry",
  [Errno.EINTR]: "interrupted",
  [Errno.EIO]: "input/output error",
  [Errno.ENXIO]: "no such device or address",
  [Errno.EBADF]: "bad file descriptor",
  [Errno.EAGAIN]: "try again",
  [Errno.ENOMEM]: "out of memory",
  [Errno.EACCES]: "permission denied",
  [Errno.EBUSY]: "device or resource busy",
  [Errno.EEXIST]: "already exists",
  [Errno.ENODEV]: "no such device",
  [Errno.EINVAL]: "invalid argument",
  [Errno.EMFILE]: "too many open files",
  [Errno.EBADFD]: "the device is gone",
  [Errno.ENOTSOCK]: "not a socket",
  [Errno.EAFNOSUPPORT]: "address family not supported",
  [Errno.EADDRINUSE]: "address already in use",
  [Errno.EADDRNOTAVAIL]: "address not available",
  [Errno.ENETUNREACH]: "network unreachable",
  [Errno.ECONNABORTED]: "closed by the system",
};
