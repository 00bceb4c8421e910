// An origin that chose ed25519, from /v1 to the post it receives: the public key it was told verifies what comes.
import { expect, it } from 'vitest';
import { call } from './api-world.ts';
import { deliveriesOf, makeOrigin, makeShop, record, settled } from './delivery-world.ts';
import { paid, unique } from './ledger-kit.ts';

it('a delivery is signed with ed25519 for an origin that chose it, and verified by its public key', async () => {
  const origin = await makeOrigin();
  const rotated = await call('POST', `/v1/origins/${origin.id}/rotate`, { signature: 'ed25519', overlapSeconds: 0 });
  const shop = await makeShop(origin);
  const orderNo = unique('ED');
  await record(shop, paid(orderNo));
  await settled(shop, orderNo);
  expect((await deliveriesOf(shop, orderNo))[0]?.attempts).toHaveLength(1);
  const [post] = origin.posts;
  const [version, signature = ''] = post?.headers.get('webhook-signature')?.split(',') ?? [];
  expect(version).toBe('v1a');
  const raw = Uint8Array.fromBase64(String(rotated.body.publicKey).replace('whpk_', ''));
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  const isGood = (text: string) =>
    crypto.subtle.verify('Ed25519', key, Uint8Array.fromBase64(signature), new TextEncoder().encode(text));
  const signed = `${post?.id}.${post?.headers.get('webhook-timestamp')}.${post?.body}`;
  expect([await isGood(signed), await isGood(`${signed} `)]).toEqual([true, false]);
});
