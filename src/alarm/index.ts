// The kinds of destination, the only door to them. Pure.
import type { DestinationKind } from '../core/alarm-rule.ts';
import type { Form } from './destination.ts';
import { dingtalk } from './dingtalk.ts';
import { email } from './email.ts';
import { feishu } from './feishu.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';
import { wecom } from './wecom.ts';

export type { Bulletin, BulletinItem } from './bulletin.ts';
export type { Address, Form, Message } from './destination.ts';
export { alarmWords } from './words.ts';

export const FORMS: Readonly<Record<DestinationKind, Form>> = { feishu, dingtalk, wecom, slack, webhook, email };

/** What is wrong with the address of a chat platform's robot, in words for who typed it; null: nothing. A local run
 * may have its own. */
export function hookProblem(kind: DestinationKind, url: URL, isLocal: boolean): string | null {
  const { hosts, path } = FORMS[kind];
  const isHere = isLocal && url.protocol === 'http:' && /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(url.hostname);
  if (hosts === null || isHere) return null;
  const isOurs =
    url.protocol === 'https:' && url.port === '' && hosts.includes(url.host) && url.pathname.startsWith(path);
  return isOurs ? null : `must be the address that the platform gives out: https://${hosts[0] ?? ''}${path}…`;
}
