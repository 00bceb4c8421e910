// E-mail by the deployment's own send_email binding, as plain text: nothing in it can be clicked but the address of the
// console. https://developers.cloudflare.com/email-service/api/send-emails/workers-api/ (read 2026-11)
import { tell, unlinked } from './bulletin.ts';
import type { Form } from './destination.ts';

export const email: Form = {
  hosts: [],
  path: '',
  secret: 'none',
  render: async (bulletin, { from, to }) => {
    const { title, paragraphs, tail } = tell(bulletin);
    const parts = paragraphs.map(({ head, lines, link }) =>
      [unlinked(head), ...lines.map((line) => `  ${unlinked(line)}`), ...(link === null ? [] : [`  ${link}`])].join(
        '\n',
      ),
    );
    const text = [...parts, ...(tail === null ? [] : [tail])].join('\n\n');
    // A line break in a subject would begin another header.
    return { kind: 'email', from, to, subject: unlinked(title), text: `${text}\n` };
  },
  complaint: () => null,
};
