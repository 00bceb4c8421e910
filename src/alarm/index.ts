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

/** A shorter end than this is hidden whole: four characters of it would be a good part of a secret. */
const SHOWN_FROM_CHARS = 20;

/** Enough of an address to tell two apart: the host, and the last four characters where a long secret ends it. */
export function shownAddress(address: string): string {
  const { host, pathname, search } = new URL(address);
  const end = (pathname + search).split(/[/?&=]/).at(-1) ?? '';
  return end.length < SHOWN_FROM_CHARS ? host : `${host}/…${end.slice(-4)}`;
}
