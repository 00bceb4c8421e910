// How many shards the channel of the bill figures has: its Worker and its driver must say the same.
export const BILL_SHARDS = 8;
