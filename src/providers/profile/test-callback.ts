// Writes a test callback of a configured dialect: a payment where the mapping would look for it, signed with the secret
// that channel and provider share, or with a key made for this test where only the provider could sign.
import { err, ok, type Result } from '../../core/result.ts';
import { retoldTest, type TestOrder, type WriteTest } from '../provider/test-callback.ts';
import type { Fields } from './document.ts';
import { isShared } from './proof-schema.ts';
import { fieldsOf, type Profile, printedAndSigned } from './resign.ts';

/** What the mapping would read, as a tree. */
export function testFields(
  order: TestOrder,
  profile: Parameters<typeof fieldsOf>[2],
  { now, nonce }: { readonly now: number; readonly nonce: string },
): Result<Fields, string> {
  const retold = retoldTest(order, nonce, now);
  return retold.payment === null ? err('A test is a payment.') : fieldsOf(retold, retold.payment, profile, now);
}

export async function write<P extends Profile>(
  order: TestOrder,
  profile: P,
  context: Parameters<WriteTest<P>>[2],
): ReturnType<WriteTest<P>> {
  const fields = testFields(order, profile, context);
  if (!fields.ok) return fields;
  const { algorithm } = profile.signature;
  if (isShared(algorithm)) return printedAndSigned(fields.value, profile, context.now);
  const { publicKey, privateKey } = await context.makeKeys(algorithm === 'ed25519' ? 'ed25519' : 'rsa');
  const credentials = { ...profile, publicKeys: [publicKey] };
  const made = await printedAndSigned(fields.value, credentials, context.now, privateKey);
  return made.ok ? ok({ ...made.value, provedBy: { credentials } }) : made;
}
