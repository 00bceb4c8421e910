// Writes a test callback as WeChat Pay v2 would, signed with the API key that channel and provider share.
import { retoldTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { resign } from './resign.ts';

/** Stands where a channel takes notices for any AppID. */
const ANY_APP = 'wx0000000000000000';

export const write: WriteShared<Credentials> = (order, credentials, { now, nonce }) => {
  const { appIds, subMchIds } = credentials;
  const one = { ...credentials, appIds: [appIds[0] ?? ANY_APP], subMchIds: subMchIds.slice(0, 1) };
  const payment = retoldTest(order, nonce.slice(0, 28), now);
  return resign(payment, one, { nonce });
};
