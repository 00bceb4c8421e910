// Where in the console the thing that an alarm is about can be seen. Pure: a path, for links of pages and of messages.
import type { AlarmKey } from '../core/alarm.ts';

/** Brackets and stars too, which encodeURIComponent leaves: in a message they would end the link. */
const encoded = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const at = (...parts: readonly string[]): string => ['/console', ...parts.map(encoded)].join('/');

/** The dead letters themselves rather than their origin; null where there is nothing to see but the alarm. */
export function whereOf({ code, subject }: AlarmKey): string | null {
  if (code === 'delivery_dead') return `${at('deliveries')}?state=dead`;
  if (code === 'backlog_age') return `${at('deliveries')}?state=waiting`;
  if (code === 'rejection_spike') return `${at('callbacks')}?verdict=rejected`;
  const [kind = '', id = ''] = subject.split('/');
  const rest = subject.slice(kind.length + id.length + 2);
  if (kind === 'order' && rest !== '') return at('orders', id, rest);
  if (code === 'channel_silent' && id !== '') return `${at('why')}?channel=${encodeURIComponent(id)}`;
  if (kind === 'channel' && id !== '') return at('channels', id);
  if (kind === 'destination') return at('alarm-rules');
  return kind === 'origin' && id !== '' ? at('origins', id) : null;
}
