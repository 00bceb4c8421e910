// Everything an isolate keeps about a channel, as the registry's tables and the table of providers tell it. Never opens
// a secret.
import type { Channel, ChannelRecord } from '../core/channel.ts';
import { providerOf } from '../providers/index.ts';
import * as channels from '../store/registry-channels.ts';
import { readTrouble } from '../store/registry-troubles.ts';

export function recordOf(sql: SqlStorage, channel: Channel): ChannelRecord {
  const record = channels.recordOf(sql, channel);
  const asks = providerOf(channel.provider)?.query !== undefined;
  const isTroubled = readTrouble(sql, channel.id) !== null;
  return { ...record, isTroubled, dispatch: { ...record.dispatch, asks } };
}
