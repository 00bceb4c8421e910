// WeCom: a robot of a group. The key in its address is all that proves us.
// https://developer.work.weixin.qq.com/document/path/91770 (read 2026-11): markdown of up to 4096 bytes, 20 messages a
// minute; the answer's errcode is 0 when it was taken.
import { bytesOf, fitted, markdown, within } from './bulletin.ts';
import { complaintIn, type Form, json } from './destination.ts';

const CONTENT_BYTES_MAX = 4_096;
const fits = (text: string): boolean => bytesOf(text) <= CONTENT_BYTES_MAX;

export const wecom: Form = {
  hosts: ['qyapi.weixin.qq.com'],
  path: '/cgi-bin/webhook/send',
  secret: 'none',
  render: async (bulletin, { url }) => {
    const content = within(fitted(bulletin, markdown, fits), CONTENT_BYTES_MAX);
    return json(url, { msgtype: 'markdown', markdown: { content } });
  },
  complaint: complaintIn('errcode', 'errmsg'),
};
