// What a diagnosis says of what was made of a callback, and of the way out: what was seen, and how to mend it, in both
// languages. Words alone: the console and the answers of the API say the same by them.
export const outbound = {
  'seen.order_unknown': {
    en: 'No order {orderNo} is known at this channel: nobody registered it and nothing told of it.',
    zh: '此渠道没有订单 {orderNo}：既未登记，也没有任何通知。',
  },
  'fix.order_unknown': {
    en: 'Check the number and the channel. It is the merchant’s own number, not the provider’s.',
    zh: '请核对单号和渠道。应填商户订单号，而非平台单号。',
  },
  'seen.order_rehearsal': {
    en: 'This is a test callback of the gateway’s own: it leaves no order, and the provider knows nothing of it.',
    zh: '这是网关自己的测试回调：不产生订单，支付平台也没有记录。',
  },
  'fix.order_rehearsal': {
    en: 'The page of the test shows how far it came, and what each origin got or would have got.',
    zh: '测试页面会显示进度，以及各源站收到或将会收到的内容。',
  },
  'seen.origin_no_tests': {
    en: 'Origin {origin} takes no test callbacks, so it got none.',
    zh: '源站 {origin} 不接收测试回调，因此没有收到。',
  },
  'fix.origin_no_tests': {
    en: 'If its backend tells tests from payments, set acceptsTest.',
    zh: '若其后端能区分测试与真实付款，可开启 acceptsTest。',
  },
  'seen.order_state': { en: 'The order is here: {state}.', zh: '订单状态：{state}。' },
  'seen.order_waits': {
    en: 'The order is registered, and nothing told of a payment.',
    zh: '订单已登记，但没有任何付款通知。',
  },
  'seen.order_parked': {
    en: 'What came is genuine and parked: this channel takes registered orders alone, and nobody registered it.',
    zh: '通知真实但已挂起：该渠道仅接受已登记订单，而此订单未登记。',
  },
  'fix.order_parked': {
    en: 'Register the order with POST /v1/orders; its events go out at once. Or set the channel’s mode to open.',
    zh: '请用 POST /v1/orders 登记订单，事件会立即投递；或将渠道模式改为开放。',
  },
  'seen.order_held': { en: 'Its events are held for a person: {flags}.', zh: '事件被暂扣等待人工：{flags}。' },
  'fix.order_held': {
    en: 'Look at the flags on the order’s page, then release or discard.',
    zh: '请在订单页查看标记，然后放行或丢弃。',
  },
  'seen.order_incomplete': {
    en: 'A notice lacked what it should say ({lacks}); the provider is asked for it.',
    zh: '通知缺少内容（{lacks}），正在向支付平台查询。',
  },
  'seen.order_flagged': { en: 'It is flagged: {flags}.', zh: '已标记：{flags}。' },
  'fix.order_flagged': { en: 'Each flag is explained on the order’s page.', zh: '每个标记在订单页都有说明。' },
  'seen.order_learnt': {
    en: 'That it was paid was learnt by {source}, not by a callback.',
    zh: '付款是通过{source}得知的，而非回调。',
  },
  'fix.order_learnt': {
    en:
      'Its callback was lost. If it is not among the refused, it never came here: compare the notify URL at the ' +
      'provider with the callback URL, letter by letter, and look for a firewall that stops what comes to it.',
    zh: '回调已丢失。若不在拒绝记录中，则从未到达：请逐字核对支付平台处的通知地址与回调地址，并检查是否有防火墙拦截。',
  },
  'seen.nothing_named': {
    en: 'Without an order number only the time can be looked at.',
    zh: '没有订单号，只能查看这段时间。',
  },
  'fix.nothing_named': { en: 'Give the number of an order that is missing.', zh: '请填写一个缺失的订单号。' },

  'seen.provider_same': {
    en: 'It says {providerState}, as is known here.',
    zh: '平台状态 {providerState}，与此处一致。',
  },
  'seen.provider_unpaid': {
    en: 'It knows the order and says {providerState}: nothing was paid, so nothing was to be told.',
    zh: '平台有此订单，状态 {providerState}：尚未付款，因此没有通知。',
  },
  'seen.provider_repaired': {
    en: 'It says {providerState}, which nobody had told. It was recorded just now, and the event is on its way.',
    zh: '平台状态 {providerState}，此前无人告知。现已记录，事件正在投递。',
  },
  'fix.provider_repaired': {
    en:
      'The order is right now. If no refusal is listed, its callback never came here: compare the notify URL at the ' +
      'provider with the callback URL, letter by letter, and look for a firewall that stops what comes to it.',
    zh: '订单现已正确。若没有拒绝记录，则回调从未到达：请逐字核对支付平台处的通知地址与回调地址，并检查是否有防火墙拦截。',
  },
  'seen.provider_unknown': { en: 'It knows no such order.', zh: '平台没有此订单。' },
  'fix.provider_unknown': {
    en:
      'Compare the number with what was sent to the provider, and the merchant number of this channel with the one ' +
      'that the payer paid.',
    zh: '请核对发送给平台的单号，以及付款对应的商户号是否为本渠道的商户号。',
  },
  'seen.provider_nameless': {
    en: 'It knows the transaction, and its answer does not name the order.',
    zh: '平台有此交易，但答复中没有订单号。',
  },
  'fix.provider_nameless': { en: 'Give the order number as well.', zh: '请同时填写订单号。' },
  'seen.provider_cannot': {
    en: 'This provider cannot be asked from here.',
    zh: '无法从此处查询该支付平台。',
  },
  'fix.provider_cannot': { en: 'Look the order up in its own console.', zh: '请在其后台查询该订单。' },
  'seen.provider_skipped': {
    en: 'Not asked: the key may only read.',
    zh: '未查询：该密钥只有读取权限。',
  },
  'fix.provider_skipped': {
    en: 'Ask with a key that has the scope operate.',
    zh: '请使用具有 operate 权限的密钥。',
  },
  'seen.provider_busy': {
    en: 'Not asked: the channel asks its provider as often as it may already.',
    zh: '未查询：该渠道的查询次数已达上限。',
  },
  'fix.provider_busy': { en: 'Try again in a few seconds.', zh: '请几秒后再试。' },
  'seen.provider_refused': { en: 'It refused to answer: {detail}', zh: '平台拒绝答复：{detail}' },
  'fix.provider_refused': {
    en: 'Mostly the channel’s API credentials: check them, and rotate the one that is wrong.',
    zh: '多因渠道的 API 凭据有误：请检查并轮换有误的凭据。',
  },
  'seen.provider_unset': {
    en: 'The channel lacks what asking needs: {detail}',
    zh: '渠道缺少查询所需的内容：{detail}',
  },
  'fix.provider_unset': { en: 'Add it to the channel’s credentials.', zh: '请补充渠道凭据。' },
  'seen.provider_unproved': {
    en: 'It answered, and the answer is not proved: {detail}',
    zh: '平台已答复，但答复未通过验签：{detail}',
  },
  'fix.provider_unproved': {
    en:
      'The platform’s key in the channel is not the one that it signs with: compare its serial with the provider’s ' +
      'console, and enter it again. Callbacks signed with that key are refused for the same reason.',
    zh: '渠道中的平台公钥与其签名所用的不一致：请与平台后台核对序列号并重新录入。用该密钥签名的回调也会因此被拒绝。',
  },
  'seen.provider_disabled': { en: 'Not asked: the channel is disabled.', zh: '未查询：渠道已停用。' },
  'fix.provider_disabled': { en: 'Enable it, then ask again.', zh: '请启用后重试。' },
  'seen.provider_away': { en: 'It gave no usable answer: {detail}', zh: '平台没有给出可用的答复：{detail}' },
  'fix.provider_away': {
    en: 'If that lasts, the provider has an outage: look at its status page. The gateway asks again by itself.',
    zh: '若持续如此，可能是平台故障，请查看其状态页。网关会自动重试。',
  },

  'seen.channel_paused': {
    en: 'The channel is paused: it takes callbacks and delivers nothing.',
    zh: '渠道已暂停：接收回调但不投递。',
  },
  'fix.channel_paused': { en: 'Resume it; what waits goes out in order.', zh: '请恢复渠道，积压会按顺序投递。' },
  'seen.origins_none': {
    en: 'The channel names no origin: nobody gets its events.',
    zh: '渠道没有源站：事件无人接收。',
  },
  'fix.origins_none': {
    en: 'Name an origin in the channel, then deliver again: events of before do not go by themselves.',
    zh: '请为渠道添加源站，然后重新投递：之前的事件不会自动投递。',
  },
  'seen.origin_ready': { en: 'Origin {origin} takes deliveries.', zh: '源站 {origin} 正常接收投递。' },
  'seen.origin_missing': { en: 'Origin {origin} does not exist any more.', zh: '源站 {origin} 已不存在。' },
  'fix.origin_missing': { en: 'Take it out of the channel, or make it again.', zh: '请从渠道中移除，或重新创建。' },
  'seen.origin_paused': { en: 'Origin {origin} is paused ({why}).', zh: '源站 {origin} 已暂停（{why}）。' },
  'fix.origin_paused': { en: 'Mend it, then resume it.', zh: '请修复后恢复。' },
  'seen.origin_broken': {
    en: 'Origin {origin} failed too often and is left alone; it is tried again at {at}.',
    zh: '源站 {origin} 失败过多，暂不投递；将于 {at} 再试。',
  },
  'fix.origin_broken': {
    en: 'See below what it answered, and mend it. It is tried by itself until it takes something.',
    zh: '请查看下面的答复并修复。系统会自动重试直到恢复。',
  },
  'seen.origin_waits': {
    en: 'Origin {origin} asked to be left alone until {at}.',
    zh: '源站 {origin} 要求在 {at} 之前不要投递。',
  },
  'seen.origin_filters': {
    en: 'Origin {origin} has a filter: it gets only some events.',
    zh: '源站 {origin} 设有过滤条件，只接收部分事件。',
  },
  'seen.gate_unknown': {
    en: 'How origin {origin} stands cannot be read now.',
    zh: '暂时无法读取源站 {origin} 的状态。',
  },

  'seen.delivered': {
    en: 'Origin {origin} took event {sequence} at {at} and answered {status}. {answer}',
    zh: '源站 {origin} 于 {at} 接收了事件 {sequence}，答复 {status}。{answer}',
  },
  'fix.delivered': {
    en: 'From here on it is the origin’s: look for the order in its own log. If it lost it, deliver again.',
    zh: '之后由源站负责：请在其日志中查找该订单。若已丢失，可重新投递。',
  },
  'seen.delivery_dead': {
    en: 'Event {sequence} is out of attempts at origin {origin}, after {attempts}: {outcome} {status}. {answer}',
    zh: '事件 {sequence} 向源站 {origin} 投递 {attempts} 次后已放弃：{outcome} {status}。{answer}',
  },
  'fix.delivery_dead': { en: 'Mend the origin, then deliver again.', zh: '请修复源站，然后重新投递。' },
  'seen.delivery_retries': {
    en: 'Origin {origin} did not take event {sequence}: {outcome} {status}. {answer} Next attempt at {at}.',
    zh: '源站 {origin} 未接收事件 {sequence}：{outcome} {status}。{answer} 下次尝试 {at}。',
  },
  'fix.delivery_retries': {
    en: 'Mend what the origin answered. It is tried again by itself; to wait no longer, deliver again.',
    zh: '请按答复修复源站。系统会自动重试；如不想等待，可重新投递。',
  },
  'mend.unreachable': {
    en:
      'Nothing answered there: check that the backend runs, its address, DNS name and certificate, and that its ' +
      'firewall lets Cloudflare in. Then deliver again, or wait for the next attempt where there is one.',
    zh: '没有任何应答：请检查后端是否运行、地址、域名解析与证书是否正确，以及防火墙是否放行 Cloudflare。然后重新投递，或等待下次重试。',
  },
  'mend.timed_out': {
    en:
      'It took longer than the origin’s timeout. Let the backend answer first and work afterwards, or raise ' +
      'timeoutMs. It may have done its work all the same: it must know an event by its webhook-id.',
    zh: '超过了源站的超时时间。请让后端先应答再处理，或调大 timeoutMs。后端可能已处理过，应按 webhook-id 去重。',
  },
  'seen.delivery_again': {
    en: 'Origin {origin} did not take event {sequence}: {outcome} {status}. {answer} It is on its way again.',
    zh: '源站 {origin} 未接收事件 {sequence}：{outcome} {status}。{answer} 正在重新投递。',
  },
  'fix.delivery_again': { en: 'Mend what it answered.', zh: '请按其答复修复源站。' },
  'seen.delivery_waits': {
    en: 'Event {sequence} is on its way to origin {origin}: {state} {why}.',
    zh: '事件 {sequence} 正在投往源站 {origin}：{state} {why}。',
  },
  'fix.delivery_waits': { en: 'Look again in a minute.', zh: '请一分钟后再看。' },
  'seen.delivery_stopped': {
    en: 'Event {sequence} does not go to origin {origin} now: {state}.',
    zh: '事件 {sequence} 暂不投往源站 {origin}：{state}。',
  },
  'fix.delivery_stopped': {
    en: 'Resume what is paused, or release what is held; it goes out in order.',
    zh: '请恢复暂停的渠道或源站，或放行暂扣的事件，之后会按顺序投递。',
  },
  'seen.delivery_cancelled': {
    en: 'Event {sequence} was discarded by a person.',
    zh: '事件 {sequence} 已被人工丢弃。',
  },
  'fix.delivery_cancelled': { en: 'If that was wrong, deliver again.', zh: '如有误，请重新投递。' },
  'seen.delivery_skipped': {
    en: 'Event {sequence} went to nobody: the channel named no origin then.',
    zh: '事件 {sequence} 没有投递对象：当时渠道没有源站。',
  },
  'fix.delivery_skipped': {
    en: 'Name an origin in the channel, then deliver again.',
    zh: '请为渠道添加源站后重新投递。',
  },
  'seen.delivery_filtered': {
    en: 'Event {sequence} went to nobody: no origin’s filter lets it through.',
    zh: '事件 {sequence} 没有投递：所有源站的过滤条件都不包含它。',
  },
  'fix.delivery_filtered': {
    en: 'If an origin should have got it, widen its filter, then deliver again.',
    zh: '若应有源站接收，请放宽其过滤条件后重新投递。',
  },
  'seen.delivery_none': { en: 'There is no event that could have gone out.', zh: '没有可投递的事件。' },
  'seen.deliveries_open': {
    en: 'Of what arrived in that time {count} deliveries are not over: {state}.',
    zh: '此期间到达的内容中有 {count} 个投递尚未结束：{state}。',
  },
  'fix.deliveries_open': {
    en: 'The list of deliveries shows them, with what the origin answered.',
    zh: '请在投递列表中查看及源站的答复。',
  },
  'seen.deliveries_over': {
    en: 'Of what arrived in that time nothing waits and nothing is dead.',
    zh: '此期间到达的内容没有等待或失败的投递。',
  },
} as const;
