// Feishu (and Lark outside China): a custom bot of a group. The signature is an HMAC of nothing under "time, newline,
// secret", both in the body. https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (read 2026-11): msg_type
// post, body up to 20 KB, 100 messages a minute and 5 a second; the answer's code is 0 when it was taken.
import { toBase64, utf8 } from '../crypto/bytes.ts';
import { hmacSha256 } from '../crypto/hmac.ts';
import { bytesOf, fitted, plain, type Told, within } from './bulletin.ts';
import { complaintIn, type Form, json } from './destination.ts';

const TEXT_BYTES_MAX = 1_500;
/** Of 20 KB, with room for the signature. */
const MESSAGE_BYTES_MAX = 20_000;

export const feishu: Form = {
  hosts: ['open.feishu.cn', 'open.larksuite.com'],
  path: '/open-apis/bot/v2/hook/',
  secret: 'optional',
  render: async (bulletin, { url, secret }, now) => {
    const locale = bulletin.language === 'zh' ? 'zh_cn' : 'en_us';
    const messageOf = (told: Told) => ({ msg_type: 'post', content: { post: { [locale]: postOf(told) } } });
    const message = fitted(bulletin, messageOf, (made) => bytesOf(JSON.stringify(made)) <= MESSAGE_BYTES_MAX);
    return json(url, { ...(secret === null ? {} : await signed(secret, now)), ...message });
  },
  complaint: complaintIn('code', 'msg'),
};

const text = (said: string) => ({ tag: 'text', text: within(plain(said), TEXT_BYTES_MAX) });

function postOf({ title, paragraphs, tail, open }: Told) {
  const content = paragraphs.flatMap(({ head, lines, link }) => [
    [text(`■ ${head}`)],
    ...lines.map((line) => [text(line)]),
    ...(link === null ? [] : [[{ tag: 'a', text: open, href: link }]]),
  ]);
  return { title: plain(title), content: tail === null ? content : [...content, [{ tag: 'text', text: tail }]] };
}

async function signed(secret: string, now: number): Promise<{ readonly timestamp: string; readonly sign: string }> {
  const timestamp = String(Math.floor(now / 1_000));
  return { timestamp, sign: toBase64(await hmacSha256(utf8(`${timestamp}\n${secret}`), utf8(''))) };
}
