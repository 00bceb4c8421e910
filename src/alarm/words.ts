// What each alarm is called and what to do next, in both languages: in messages, in the console.
export const alarmWords = {
  'alarm.delivery_dead': { en: 'A delivery is out of attempts', zh: '投递已用尽重试' },
  'next.delivery_dead': {
    en: 'See what the origin answered, mend it there, then deliver again.',
    zh: '查看源站的答复并修复，然后重新投递。',
  },
  'alarm.origin_gone': { en: 'The origin says it is gone', zh: '源站答复已不存在' },
  'next.origin_gone': {
    en: 'It answered 410 and was paused. Give the origin its new address, then resume it.',
    zh: '源站返回 410，已暂停。请更新地址后恢复。',
  },
  'alarm.origin_failing': { en: 'An origin fails', zh: '源站持续失败' },
  'next.origin_failing': {
    en: 'Nothing was taken for a while; it is asked ever more rarely. See what it answers, and mend it.',
    zh: '源站一段时间内未接收任何投递，重试间隔会逐渐拉长。请查看其答复并修复。',
  },
  'alarm.origin_removed': { en: 'Deliveries wait for an origin that was removed', zh: '有投递在等待已移除的源站' },
  'next.origin_removed': {
    en: 'The channel no longer names it. Name it again, or replay to another origin.',
    zh: '渠道已不再使用该源站。请重新添加，或改投其他源站。',
  },
  'alarm.projection_refused': { en: 'The lists lack an order', zh: '列表中缺少一笔订单' },
  'next.projection_refused': {
    en: 'The database of lists refuses it, and takes all else. The order itself and its deliveries are whole.',
    zh: '列表数据库拒绝写入该订单，其他数据不受影响。订单本身及其投递均完整。',
  },
  'alarm.origin_disagrees': { en: 'An origin recorded something else', zh: '源站记录与投递不一致' },
  'next.origin_disagrees': {
    en: 'Its answer repeats another amount or number than it was told. Compare the order with your own books.',
    zh: '源站回显的金额或单号与投递不同。请核对订单与您的账目。',
  },
  'alarm.unmatched': { en: 'A payment without its order', zh: '有付款但订单未登记' },
  'next.unmatched': {
    en: 'The money is genuine and nobody registered the order. Register it, or find out who sells ' + 'in your name.',
    zh: '付款真实但订单未登记。请登记订单，或查明来源。',
  },
  'alarm.unlinked': { en: 'A notice that names no known order', zh: '通知无法对应订单' },
  'next.unlinked': {
    en: 'It waits until its payment is known. Look the id up in the provider’s console.',
    zh: '将等待对应付款出现。请在支付平台后台查询该编号。',
  },
  'alarm.channel_paused_long': { en: 'A channel is paused for long', zh: '渠道暂停过久' },
  'next.channel_paused_long': {
    en: 'Events pile up. Resume the channel when you are ready.',
    zh: '事件正在积压，就绪后请恢复渠道。',
  },
  'alarm.keys_unavailable': { en: 'Verification keys cannot be fetched', zh: '无法获取验签密钥' },
  'next.keys_unavailable': {
    en: 'Check the channel’s API credentials; callbacks of unknown keys are refused meanwhile.',
    zh: '请检查渠道的 API 凭据；在此期间未知密钥的回调会被拒绝。',
  },
  'alarm.key_expiring': { en: 'A key expires soon', zh: '密钥即将到期' },
  'next.key_expiring': {
    en: 'Get the new key or certificate at the provider and rotate the channel before that day.',
    zh: '请在到期前从支付平台取得新密钥或证书，并轮换渠道凭据。',
  },
  'alarm.decrypt_failed': { en: 'Callbacks cannot be decrypted', zh: '回调无法解密' },
  'next.decrypt_failed': { en: 'Enter the channel’s symmetric key again.', zh: '请重新录入渠道的对称密钥。' },
  'alarm.wrong_merchant': { en: 'Callbacks of another merchant', zh: '收到其他商户的回调' },
  'next.wrong_merchant': {
    en: 'Compare the merchant number with the provider’s console.',
    zh: '请与支付平台后台核对商户号。',
  },
  'alarm.wrong_environment': { en: 'Callbacks of the other environment', zh: '收到另一环境的回调' },
  'next.wrong_environment': { en: 'Use one channel for each environment.', zh: '请为每个环境使用单独的渠道。' },
  'alarm.order_held': { en: 'An order is held', zh: '订单被暂扣' },
  'next.order_held': { en: 'Look at its flags, then release or discard.', zh: '请查看标记，然后放行或丢弃。' },
  'alarm.refund_refused': { en: 'A refund was refused', zh: '退款被拒' },
  'next.refund_refused': {
    en: 'Its amount is free again. Mend the reason, then ask again.',
    zh: '金额已释放。请按原因处理后重新申请退款。',
  },
  'alarm.refund_needs_attention': { en: 'A refund is stuck', zh: '退款异常' },
  'next.refund_needs_attention': {
    en: 'Do not refund again. Settle it in the provider’s console.',
    zh: '切勿重新退款，请在支付平台后台处理。',
  },
  'alarm.origin_paused': { en: 'An origin was paused', zh: '源站已被暂停' },
  'next.origin_paused': {
    en: 'It took nothing for too long. Mend it, then resume it.',
    zh: '长时间未接收投递。请修复后恢复。',
  },
  'alarm.channel_silent': { en: 'A channel is silent', zh: '渠道长时间无回调' },
  'next.channel_silent': {
    en: 'No callback came where some used to. Check the notify URL at the provider.',
    zh: '平时有回调的时段没有收到回调。请检查支付平台处的通知地址。',
  },
  'alarm.order_flagged': { en: 'Something odd with an order', zh: '订单出现异常' },
  'next.order_flagged': { en: 'Open the order: each flag says what to do.', zh: '请打开订单，每个标记都有处理办法。' },
  'alarm.unconfirmed_notice': { en: 'A notice could not be confirmed', zh: '通知无法核实' },
  'next.unconfirmed_notice': {
    en: 'Ask the provider with Query on the order.',
    zh: '请在订单页用“查询”向支付平台核实。',
  },
  'alarm.close_failed': { en: 'An order could not be closed', zh: '关单失败' },
  'next.close_failed': {
    en: 'It may still be paid. Close it again from its page.',
    zh: '订单可能仍可付款。请在订单页重新关单。',
  },
  'alarm.bill_missing': { en: 'A day’s bill cannot be fetched', zh: '无法获取某日账单' },
  'next.bill_missing': {
    en: 'Lost callbacks of that day stay unknown. Mend the cause and run the day again, or upload the bill.',
    zh: '当日丢失的回调仍未查明。请排除原因后重新对账，或上传账单。',
  },
  'alarm.bill_refused': { en: 'A bill failed its checks', zh: '账单未通过校验' },
  'next.bill_refused': {
    en: 'Nothing was judged by it. Run the day again; if it stays so, ask the provider.',
    zh: '未据此账单作任何判断。请重新对账；若仍失败，请联系支付平台。',
  },
  'alarm.discrepancies_open': { en: 'A bill left discrepancies', zh: '对账发现差异' },
  'next.discrepancies_open': {
    en: 'Look at each one and say what it is about: explained or fixed, with a note.',
    zh: '请逐条查看并标记为已解释或已解决，并写明原因。',
  },
  'alarm.breaker_open': { en: 'An origin is left alone', zh: '源站已熔断' },
  'next.breaker_open': {
    en: 'Too many attempts failed. Its events wait, and one of them asks again now and then. Mend the origin.',
    zh: '失败次数过多，事件暂缓投递，系统会定时试探。请修复源站。',
  },
  'alarm.backlog_age': { en: 'Events wait for too long', zh: '事件积压过久' },
  'next.backlog_age': {
    en: 'See what the origin answers to the oldest delivery, and whether it takes as many as come in.',
    zh: '请查看最早一条投递的源站答复，并确认源站的处理能力跟得上。',
  },
  'alarm.rejection_spike': { en: 'Many callbacks are refused', zh: '被拒绝的回调激增' },
  'next.rejection_spike': {
    en: 'Open the refused callbacks: the reason that is new says what to mend. A stranger’s noise needs nothing.',
    zh: '请查看被拒绝的回调，新出现的原因会说明如何处理；若只是陌生来源的噪音则无需处理。',
  },
  'alarm.provider_away': { en: 'The provider does not answer', zh: '支付平台接口无应答' },
  'next.provider_away': {
    en:
      'See whether it has an outage. Callbacks are still taken; questions and refunds under way are asked again by ' +
      'themselves, and payments and refunds that were answered with an error may be sent again.',
    zh: '请查看支付平台是否故障。回调照常接收；查询和进行中的退款会自动重试，返回错误的下单与退款请求可再次发送。',
  },
  'alarm.provider_refuses': { en: 'The provider refuses the channel’s credentials', zh: '支付平台拒绝渠道的 API 凭据' },
  'next.provider_refuses': {
    en:
      'Compare merchant number, keys and permissions with the provider’s console, and rotate what is wrong. Until ' +
      'then lost callbacks are not found, and payments and refunds cannot be asked for.',
    zh: '请与支付平台后台核对商户号、密钥和权限，并轮换有误的凭据。在此之前无法找回丢失的回调，也无法发起支付和退款。',
  },
  'alarm.notification_dead': { en: 'An alarm did not reach its destination', zh: '告警通知发送失败' },
  'next.notification_dead': {
    en: 'The destination refused for a day. Test it, and mend its address or secret.',
    zh: '通知目的地已连续一天拒收。请测试并修正其地址或密钥。',
  },
} as const;
