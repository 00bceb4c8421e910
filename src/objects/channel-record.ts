// Everything an isolate keeps about a channel, as the registry's tables and the table of providers tell it. Never opens
// a secret.
import type { Channel, ChannelRecord } from '../core/channel.ts';
import { providerOf } from '../providers/index.ts';
import * as channels from '../store/registry-channels.ts';

export function recordOf(sql: SqlStorage, channel: Channel): ChannelRecord {
  const record = channels.recordOf(sql, channel);
  const asks = providerOf(channel.provider)?.query !== undefined;
  return { ...record, dispatch: { ...record.dispatch, asks } };
}
