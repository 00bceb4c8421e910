// The pretend WeChat Pay's own test of a merchant: says the message again, and calls the address with a notice about
// nothing (merchant docs 4014551946, partner docs 4019605946).
import { z } from 'zod';
import type { NoticeContent } from './notice.ts';

const Asked = z.object({
  echo_message: z.string().min(1),
  notify_url: z
    .string()
    .max(255)
    .regex(/^https?:\/\/[^?#]+$/)
    .optional(),
});

const CONTENT: NoticeContent = {
  eventType: 'SECURITY_ECHO.SUCCESS',
  originalType: 'security',
  summary: '回调通知成功',
  resource: {},
};

/** Told where to call, and with what. */
export type OnEcho = (notifyUrl: string, content: NoticeContent) => void;

/** The answer, with its status. */
export function echoed(body: unknown, onEcho?: OnEcho): { readonly status: number; readonly value: object } {
  const asked = Asked.safeParse(body);
  if (!asked.success)
    return { status: 400, value: { code: 'PARAM_ERROR', message: 'echo_message 或 notify_url 不正确' } };
  const { echo_message, notify_url: url } = asked.data;
  if (url !== undefined) onEcho?.(url, { ...CONTENT, resource: { echo_message } });
  return { status: 200, value: { echo_message } };
}
