// Slack: an incoming webhook. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// …/formatting-message-text (read 2026-11): `text` stands in notifications, a section holds 3000 characters, a message
// 50 blocks; what would call everybody or make a link is replaced before. One a second; what is not 200 says why.
import { type Paragraph, plain, tell } from './bulletin.ts';
import { type Form, json } from './destination.ts';

const SECTION_CHARS_MAX = 3_000;

export const slack: Form = {
  hosts: ['hooks.slack.com'],
  path: '/services/',
  secret: 'none',
  render: async (bulletin, { url }) => {
    const { title, paragraphs, tail, open } = tell(bulletin);
    const texts = [...paragraphs.map((one) => sectionOf(one, open)), ...(tail === null ? [] : [tail])];
    const blocks = texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }));
    return json(url, { text: plain(title), blocks });
  },
  complaint: (status, body) => (status >= 200 && status <= 299 ? null : `${status} ${body}`.trim()),
};

function sectionOf({ head, lines, link }: Paragraph, open: string): string {
  const foot = link === null ? '' : `\n<${link}|${open}>`;
  const text = [`*${plain(head)}*`, ...lines.map(plain)].join('\n');
  return text.slice(0, SECTION_CHARS_MAX - foot.length).toWellFormed() + foot;
}
