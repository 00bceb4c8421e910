// Feishu (and Lark outside China): a custom bot of a group. The signature is an HMAC of nothing under "time, newline,
// secret", both in the body. https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (read 2026-11): msg_type
// post, body up to 20 KB, 100 messages a minute and 5 a second; the answer's code is 0 when it was taken.
import { toBase64, utf8 } from '../crypto/bytes.ts';
import { hmacSha256 } from '../crypto/hmac.ts';
import { tell, within } from './bulletin.ts';
import { complaintIn, type Form, json } from './destination.ts';

const TEXT_BYTES_MAX = 1_500;

export const feishu: Form = {
  hosts: ['open.feishu.cn', 'open.larksuite.com'],
  path: '/open-apis/bot/v2/hook/',
  secret: 'optional',
  render: async (bulletin, { url, secret }, now) => {
    const { title, paragraphs, tail, open } = tell(bulletin);
    const text = (said: string) => ({ tag: 'text', text: within(said, TEXT_BYTES_MAX) });
    const content = paragraphs.flatMap(({ head, lines, link }) => [
      [text(`■ ${head}`)],
      ...lines.map((line) => [text(line)]),
      ...(link === null ? [] : [[{ tag: 'a', text: open, href: link }]]),
    ]);
    const all = tail === null ? content : [...content, [text(tail)]];
    const locale = bulletin.language === 'zh' ? 'zh_cn' : 'en_us';
    const message = { msg_type: 'post', content: { post: { [locale]: { title, content: all } } } };
    return json(url, { ...(secret === null ? {} : await signed(secret, now)), ...message });
  },
  complaint: complaintIn('code', 'msg'),
};

async function signed(secret: string, now: number): Promise<{ readonly timestamp: string; readonly sign: string }> {
  const timestamp = String(Math.floor(now / 1_000));
  return { timestamp, sign: toBase64(await hmacSha256(utf8(`${timestamp}\n${secret}`), utf8(''))) };
}
