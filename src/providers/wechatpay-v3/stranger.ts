// Whose a row of a trade bill is: this channel's, another shop's on the same account, or another merchant's.
import { type StrangerOf, show } from '../wechatpay/trade-layout.ts';
import { type Credentials, payeesOf } from './credentials.ts';

export const strangerOf =
  (credentials: Credentials): StrangerOf =>
  (cell) => {
    const { partner, mchId, appIds } = credentials;
    const [own, seen] = [partner?.spMchId ?? mchId, cell('mchId')];
    if (seen !== own) return `it is merchant ${show(seen)}'s, and this channel is for ${own}`;
    const appId = cell('appId');
    if (partner === undefined) return appIds.length > 0 && appId !== '' && !appIds.includes(appId);
    const payees = payeesOf(credentials);
    return payees.length > 0 && !payees.includes(cell('subMchId'));
  };
