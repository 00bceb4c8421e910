// What an order may be called: what can stand in a path, a header and a table of every provider. Never asks whether
// there is such an order.

/** 1 to 64 visible ASCII characters: by another number nobody could open or search it. */
export const ORDER_NO = /^[\x21-\x7e]{1,64}$/;
