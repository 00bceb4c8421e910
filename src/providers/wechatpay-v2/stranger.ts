// Whose a row of a trade bill is: this channel's, another shop's on the same account, or another merchant's.
import { type StrangerOf, show } from '../wechatpay/trade-layout.ts';
import type { Credentials } from './credentials.ts';

export const strangerOf =
  (credentials: Credentials): StrangerOf =>
  (cell) => {
    const { mchId, appIds, subMchIds } = credentials;
    const [seen, appId] = [cell('mchId'), cell('appId')];
    if (seen !== mchId) return `it is merchant ${show(seen)}'s, and this channel is for ${mchId}`;
    if (subMchIds.length > 0 && !subMchIds.includes(cell('subMchId'))) return true;
    return appIds.length > 0 && appId !== '' && !appIds.includes(appId);
  };
