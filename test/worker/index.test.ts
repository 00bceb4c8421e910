import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
it('answers', async () => {
  const r = await exports.default.fetch('http://x/');
  expect(await r.json()).toMatchObject({ a: 2 });
  expect(await env.DB.prepare('select count(*) c from orders').first('c')).toBe(0);
});
