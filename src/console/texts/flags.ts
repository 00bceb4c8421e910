// What each flag of an order means, and what to do. The long form, with what an origin receives, is
// docs/odd-outcomes.md.
export const flags = {
  'flag.amount_mismatch': { en: 'Amount differs from the registration', zh: '金额与登记不符' },
  'flag.currency_mismatch': { en: 'Other currency', zh: '币种不符' },
  'flag.underpaid': { en: 'Underpaid', zh: '少付' },
  'flag.overpaid': { en: 'Overpaid', zh: '多付' },
  'flag.late_payment': { en: 'Paid late', zh: '逾期付款' },
  'flag.paid_after_close': { en: 'Paid after close', zh: '关单后付款' },
  'flag.paid_twice': { en: 'Paid twice', zh: '重复付款' },
  'flag.refund_before_payment': { en: 'Refund before payment', zh: '退款先于付款' },
  'flag.refund_exceeds_payment': { en: 'Refunded more than paid', zh: '退款超过付款' },
  'flag.refund_abnormal': { en: 'Refund is stuck', zh: '退款异常' },
  'flag.refund_reversed': { en: 'Refund came back', zh: '退款被退回' },
  'flag.transaction_reused': { en: 'Transaction of another order', zh: '交易号被重复使用' },
  'flag.unmatched': { en: 'Never registered', zh: '未登记' },
  'flag.provider_disagrees': { en: 'Provider contradicts itself', zh: '支付平台前后不一' },
  'flag.origin_disagrees': { en: 'Origin recorded something else', zh: '源站记录不一致' },
  'flag.risk_review': { en: 'Doubted by the provider', zh: '风险审查' },
  'flag.incomplete': { en: 'Notice was incomplete', zh: '通知不完整' },
  'advice.amount_mismatch': {
    en:
      'The registration came after the money and names another amount. If you shipped on the first ' +
      'event, ask for the rest.',
    zh: '回调之后才登记，且金额不同。若已发货，请补收差额。',
  },
  'advice.currency_mismatch': {
    en:
      'Money came in a currency that was not asked for; it is shown and not summed. Do not ship: ' +
      'refund it, or agree with the payer.',
    zh: '收到的币种不符，不计入已付金额。不要发货，请退款或与付款人协商。',
  },
  'advice.underpaid': {
    en: 'Less came than was registered. Do not ship. Ask for the rest, or refund.',
    zh: '实付少于登记金额。不要发货，请补收或退款。',
  },
  'advice.overpaid': {
    en: 'More came than was registered. Ship, and give back what is too much.',
    zh: '实付多于登记金额。正常发货，多出部分可退款。',
  },
  'advice.late_payment': {
    en: 'Paid after its time. Ship if the price still holds, else refund.',
    zh: '超过有效期才付款。价格仍有效则发货，否则退款。',
  },
  'advice.paid_after_close': {
    en: 'The order was closed, and the money came nevertheless. Ship, or refund if what was sold is gone.',
    zh: '关单后仍收到付款。可发货；若已不可售，请退款。',
  },
  'advice.paid_twice': {
    en: 'Two transactions paid it. Ship once, and refund one of them by its transaction id.',
    zh: '有两笔交易付款。只发货一次，并按交易号退回其中一笔。',
  },
  'advice.refund_before_payment': {
    en: 'The refund was told before its payment. Both count. Look closer when no payment follows.',
    zh: '退款通知先于付款到达，两者都会计入。若一直没有付款，请核对。',
  },
  'advice.refund_exceeds_payment': {
    en: 'More was given back than was paid. Look for a refund that was made twice in the provider’s console.',
    zh: '退款总额超过付款。请检查是否在平台后台重复退款。',
  },
  'advice.refund_abnormal': {
    en:
      'The provider cannot return the money. It has not failed: do not refund again. Settle it ' +
      'in the provider’s console.',
    zh: '退款无法到账但并未失败，切勿重新退款。请在支付平台后台处理。',
  },
  'advice.refund_reversed': {
    en: 'A refund succeeded and the money came back. Book the reversal and find another way to return it.',
    zh: '退款成功后被退回。请冲回账目，并改用其他方式退款。',
  },
  'advice.transaction_reused': {
    en: 'Two orders claim one transaction. Ship one. Find out how one payment came to two order numbers.',
    zh: '同一笔交易出现在两个订单上。只发一单，并查明原因。',
  },
  'advice.unmatched': {
    en: 'A genuine payment of an order that nobody registered. Register it, or find out who sells ' + 'in your name.',
    zh: '真实付款，但订单未登记。请登记该订单，或查明来源。',
  },
  'advice.provider_disagrees': {
    en:
      'The same transaction was told with another amount. The first word stands. Ask the provider, ' +
      'or look in its console.',
    zh: '同一交易前后金额不一致，以先到的为准。请查询支付平台或在其后台核对。',
  },
  'advice.origin_disagrees': {
    en:
      'What your origin repeated is not what it was told. Look at the attempt in the history and ' +
      'at your own books.',
    zh: '源站回显与投递内容不一致。请查看时间线中的投递记录和您自己的账目。',
  },
  'advice.risk_review': {
    en: 'A review, a complaint, or a warning of the card’s bank. Wait with shipping.',
    zh: '风险审查、投诉或银行预警。请暂缓发货。',
  },
  'advice.incomplete': {
    en: 'A notice left out what it should say. Nothing was guessed. Ask the provider with Query.',
    zh: '通知缺少必要内容，系统不作猜测。请用“查询”向支付平台核实。',
  },
} as const;
