import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

const HASH_BYTES = 32;

/** Parameters of scrypt (RFC 7914). They are stored with each hash, so they can be changed. */
interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** `scrypt$N$r$p$salt$hash` with salt and hash in hex; N is 2 to the power of `log2N` (the limit `scrypt_log2_n`). */
export async function hashPassword(password: string, log2N: number): Promise<string> {
  const salt = randomBytes(16);
  const cost = costOf(log2N);
  return text(cost, salt, await derive(password, salt, cost));
}

/**
 * True when the password is the one of the stored hash. Without a stored hash the work of a new one is done, and it is
 * false.
 */
export async function verifyPassword(password: string, stored: string | undefined, log2N: number): Promise<boolean> {
  const placeholder = text(costOf(log2N), Buffer.alloc(16), Buffer.alloc(HASH_BYTES));
  const [, N, r, p, salt, expected] = (stored ?? placeholder).split("$");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const hash = await derive(password, Buffer.from(salt!, "hex"), cost);
  return timingSafeEqual(hash, Buffer.from(expected!, "hex")) && stored !== undefined;
}

function costOf(log2N: number): Cost {
  return { N: 2 ** log2N, r: 16, p: 1 };
}

function text({ N, r, p }: Cost, salt: Buffer, hash: Buffer): string {
  return `scrypt$${N}$${r}$${p}$${salt.toString("hex")}$${hash.toString("hex")}`;
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
