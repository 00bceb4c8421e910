// DingTalk: a custom robot of a group. Signed in the query: HMAC-SHA256 of "time, newline, secret" under the secret, in
// base64. https://open.dingtalk.com/document/robots/custom-robot-access and …/customize-robot-security-settings (read
// 2026-11): markdown, 20 messages a minute or silence for ten; the answer's errcode is 0 when it was taken.
import { toBase64, utf8 } from '../crypto/bytes.ts';
import { hmacSha256 } from '../crypto/hmac.ts';
import { bytesOf, fitted, markdown, plain, tell, within } from './bulletin.ts';
import { complaintIn, type Form, json } from './destination.ts';

const TEXT_BYTES_MAX = 15_000;
const fits = (text: string): boolean => bytesOf(text) <= TEXT_BYTES_MAX;

export const dingtalk: Form = {
  hosts: ['oapi.dingtalk.com'],
  path: '/robot/send',
  secret: 'optional',
  render: async (bulletin, { url, secret }, now) => {
    const title = plain(tell(bulletin).title);
    const text = within(fitted(bulletin, markdown, fits), TEXT_BYTES_MAX);
    const body = { msgtype: 'markdown', markdown: { title, text } };
    return json(secret === null ? url : await signed(url, secret, now), body);
  },
  complaint: complaintIn('errcode', 'errmsg'),
};

async function signed(url: string, secret: string, now: number): Promise<string> {
  const sign = toBase64(await hmacSha256(utf8(secret), utf8(`${now}\n${secret}`)));
  const to = new URL(url);
  to.searchParams.set('timestamp', String(now));
  to.searchParams.set('sign', sign);
  return to.href;
}
