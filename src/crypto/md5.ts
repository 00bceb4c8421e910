// MD5, for dialects that sign with it. Never used where we choose the algorithm: it proves nothing without a secret.
import { createHash } from 'node:crypto';

/** 16 bytes; WebCrypto has no MD5. */
export const md5 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('md5').update(bytes).digest());
