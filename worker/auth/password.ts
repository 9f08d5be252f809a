import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

// RFC 7914 parameters: 16 MiB and about 50 ms of CPU on Workers. They are stored with each hash, so they can be raised.
const COST = { N: 2 ** 14, r: 16, p: 1 };
const HASH_BYTES = 32;

/** `scrypt$N$r$p$salt$hash` with salt and hash in hex. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString("hex")}$${hash.toString("hex")}`;
}

/** True when the password is the one of the stored hash. Without a stored hash the same work is done, and false. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, N, r, p, salt, expected] = (stored ?? placeholder).split("$");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const hash = await derive(password, Buffer.from(salt!, "hex"), cost);
  return timingSafeEqual(hash, Buffer.from(expected!, "hex")) && stored !== undefined;
}

const placeholder = `scrypt$${COST.N}$${COST.r}$${COST.p}$${"00".repeat(16)}$${"00".repeat(HASH_BYTES)}`;

function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
