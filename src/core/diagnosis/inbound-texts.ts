// What a diagnosis says of the way in: what was seen, and how to mend it, in both languages. Words alone: the console
// and the answers of the API say the same by them.
export const inbound = {
  'step.address': { en: 'Is the callback URL right?', zh: '回调地址对吗？' },
  'step.reach': { en: 'Can it be reached from outside?', zh: '外部能访问到吗？' },
  'step.arrivals': { en: 'Did anything arrive?', zh: '收到过回调吗？' },
  'step.refusals': { en: 'Was it refused, and why?', zh: '被拒绝了吗，为什么？' },
  'step.usual': { en: 'Is anything unusual about the channel?', zh: '渠道有异常吗？' },
  'step.recorded': { en: 'What was made of it?', zh: '如何处理的？' },
  'step.provider': { en: 'What does the provider say now?', zh: '支付平台现在怎么说？' },
  'step.origins': { en: 'May it go out?', zh: '能投递出去吗？' },
  'step.deliveries': { en: 'Did the origin get it, and what did it answer?', zh: '源站收到了吗，如何答复？' },

  'seen.address_right': { en: 'The provider is to call {url}.', zh: '支付平台应调用 {url}。' },
  'fix.address_right': {
    en:
      'Compare it letter by letter with the notify URL at the provider: no query, no other path. A payment that ' +
      'was asked for here carried it by itself.',
    zh: '请与支付平台处的通知地址逐字核对：不带参数，路径一致。由本网关发起的支付会自动带上它。',
  },
  'seen.address_missing': {
    en: 'TOLLGATE_PUBLIC_URL is not set, so there is no address that a provider could call.',
    zh: '未设置 TOLLGATE_PUBLIC_URL，支付平台没有可调用的地址。',
  },
  'fix.address_missing': {
    en: 'Set TOLLGATE_PUBLIC_URL to the https address of this deployment, and deploy again.',
    zh: '请将 TOLLGATE_PUBLIC_URL 设为本部署的 https 地址并重新部署。',
  },
  'seen.address_local': {
    en: 'The callback URL is {url}: this machine’s own. Nobody but a sandbox on it can call there.',
    zh: '回调地址是 {url}，仅限本机。只有本机沙箱能调用。',
  },
  'fix.address_local': {
    en: 'For callbacks of a real provider deploy it, and set TOLLGATE_PUBLIC_URL to its https address.',
    zh: '如需接收真实回调，请部署并将 TOLLGATE_PUBLIC_URL 设为其 https 地址。',
  },
  'seen.channel_disabled': {
    en: 'The channel is disabled: each callback gets the failure answer.',
    zh: '渠道已停用：所有回调都会收到失败答复。',
  },
  'fix.channel_disabled': {
    en: 'Enable it. The provider calls again as long as its own schedule lasts.',
    zh: '请启用渠道。支付平台会在其重试期内再次通知。',
  },

  'seen.reach_ok': {
    en: 'It answered a call from outside as it should, after {ms} ms.',
    zh: '从外部访问得到了应有的答复，用时 {ms} 毫秒。',
  },
  'seen.reach_local': {
    en: 'It answered on this machine, after {ms} ms. Whether anybody outside reaches it, a local run cannot tell.',
    zh: '本机访问有答复，用时 {ms} 毫秒。本地运行无法判断外部能否访问。',
  },
  'seen.reach_redirect': {
    en: 'It answered {status} and led elsewhere: {location}. Providers follow no redirect.',
    zh: '返回 {status} 并跳转到 {location}。支付平台不会跟随跳转。',
  },
  'fix.reach_redirect': {
    en: 'Let /callbacks/ answer without a redirect, or set TOLLGATE_PUBLIC_URL to where it leads.',
    zh: '请让 /callbacks/ 不再跳转，或将 TOLLGATE_PUBLIC_URL 设为跳转后的地址。',
  },
  'seen.reach_blocked': {
    en: 'Something before the gateway answered {status} and did not let the call through.',
    zh: '网关之前有设备返回 {status}，请求未能通过。',
  },
  'fix.reach_blocked': {
    en:
      'A firewall rule, a bot check or a login page (Cloudflare Access, say) stands before the address. Let POST ' +
      'requests to /callbacks/ pass.',
    zh: '地址之前有防火墙规则、机器人检测或登录页（如 Cloudflare Access）。请放行对 /callbacks/ 的 POST 请求。',
  },
  'seen.reach_stranger': {
    en: 'It answered {status}, and not as this gateway does: something else listens there.',
    zh: '返回 {status}，但不是本网关的答复：那里运行的是别的程序。',
  },
  'fix.reach_stranger': {
    en:
      'Compare TOLLGATE_PUBLIC_URL with the address of this deployment; look for an older deployment, a parked ' +
      'domain, or a path in front of /callbacks/.',
    zh: '请核对 TOLLGATE_PUBLIC_URL 与本部署的地址，检查是否为旧部署、停放的域名，或 /callbacks/ 前多了路径。',
  },
  'seen.reach_failed': { en: 'No connection to {host} came about.', zh: '无法连接 {host}。' },
  'fix.reach_failed': {
    en: 'Check the DNS record, the certificate, and that the Worker has this route or domain.',
    zh: '请检查 DNS 记录、证书，以及 Worker 是否绑定了该路由或域名。',
  },
  'seen.reach_late': { en: '{host} gave no answer within {ms} ms.', zh: '{host} 在 {ms} 毫秒内没有答复。' },
  'fix.reach_late': {
    en: 'Providers wait no longer either. Look for a proxy before the gateway that holds requests back.',
    zh: '支付平台也不会等更久。请检查网关前是否有代理滞留请求。',
  },
  'seen.reach_skipped': {
    en: 'Not tried: the key may only read.',
    zh: '未尝试：该密钥只有读取权限。',
  },
  'fix.reach_skipped': {
    en: 'Ask with a key that has the scope operate.',
    zh: '请使用具有 operate 权限的密钥。',
  },

  'seen.lists_away': {
    en: 'The lists cannot be read at the moment, so what arrived is not known.',
    zh: '列表暂时无法读取，无法得知收到了什么。',
  },
  'fix.lists_away': { en: 'Try again in a minute.', zh: '请一分钟后再试。' },
  'seen.arrived': {
    en: 'About this order {count} came by callback, the last at {at} from {address}.',
    zh: '此订单收到 {count} 个回调，最近一个于 {at} 来自 {address}。',
  },
  'seen.arrived_again': {
    en: 'The same was told {count} times more, and acknowledged each time.',
    zh: '同样的内容又重复通知了 {count} 次，均已应答。',
  },
  'seen.arrived_ignored': {
    en: 'A genuine notice came at {at} and told of no payment: {type}.',
    zh: '{at} 收到真实通知，但不涉及付款：{type}。',
  },
  'seen.arrived_never': { en: 'No callback about this order was taken.', zh: '没有收到此订单的回调。' },
  'fix.arrived_never': {
    en: 'If none was refused, it never reached this address: compare the notify URL at the provider with it.',
    zh: '若不在拒绝记录中，则从未到达此地址：请与支付平台处的通知地址核对。',
  },
  'seen.arrived_some': {
    en: 'From {from} to {to} the channel took {count} callbacks.',
    zh: '{from} 至 {to} 渠道收到 {count} 个回调。',
  },
  'seen.arrived_besides': {
    en: 'And {count} that changed no order: {verdict}.',
    zh: '另有 {count} 个未改变订单：{verdict}。',
  },
  'seen.arrived_none': {
    en: 'From {from} to {to} the channel took no callback.',
    zh: '{from} 至 {to} 渠道没有收到回调。',
  },
  'fix.arrived_none': {
    en:
      'If the provider says that it sent some, they went elsewhere: compare the notify URL there with the callback ' +
      'URL above.',
    zh: '若支付平台称已发送，则发到了别处：请核对其通知地址与上面的回调地址。',
  },
  'seen.arrived_last': { en: 'The last one it took came at {at}.', zh: '最近一次收到是 {at}。' },
  'seen.arrived_first': { en: 'It has never taken any.', zh: '从未收到过回调。' },
  'seen.arrived_elsewhere': {
    en: '{count} calls came for a channel that does not exist. {detail}',
    zh: '有 {count} 次调用发给了不存在的渠道。{detail}',
  },
  'fix.arrived_elsewhere': {
    en: 'If that is a spelling of this channel, correct the notify URL at the provider.',
    zh: '若是本渠道的误写，请更正支付平台处的通知地址。',
  },

  'seen.refused': { en: '{count} refused: {reason}. {detail}', zh: '拒绝 {count} 次：{reason}。{detail}' },
  'seen.refused_order': {
    en: 'One that names this order was refused at {at}: {reason}. {detail}',
    zh: '{at} 有一个写明此订单的回调被拒绝：{reason}。{detail}',
  },
  'seen.refused_harmless': { en: '{count} refused: {reason}.', zh: '拒绝 {count} 次：{reason}。' },
  'fix.refused_harmless': {
    en: 'That is no callback of a payment. Nothing to do.',
    zh: '那不是付款回调，无需处理。',
  },
  'seen.refused_none': {
    en: 'Nothing was refused from {from} to {to}. Refusals of the last minute may not show yet.',
    zh: '{from} 至 {to} 没有拒绝记录。最近一分钟的可能尚未显示。',
  },
  'seen.outside_watched': {
    en: '{count} came from outside the allowlist and were let in: it only watches.',
    zh: '有 {count} 个来自白名单之外，因处于观察模式而放行。',
  },
  'fix.outside_watched': {
    en: 'Nothing was lost by it. See who they were before the allowlist is enforced.',
    zh: '没有因此丢失。强制白名单之前请先查看是谁。',
  },

  'seen.usual': { en: 'No: it is about as busy as it always is.', zh: '没有，与平时差不多。' },
  'seen.usual_learning': {
    en: 'Not known yet: two weeks of callbacks are needed to tell.',
    zh: '尚不可知：需要两周的回调数据。',
  },
  'seen.usual_silent': {
    en: 'Yes: normally {perHour} an hour, none for {minutes} minutes.',
    zh: '是的：平时每小时 {perHour} 个，已 {minutes} 分钟没有。',
  },
  'fix.usual_silent': {
    en: 'The notify URL was changed at the provider, something stands in the way, or the provider has an outage.',
    zh: '可能是支付平台处的通知地址被改动、中途受阻，或平台故障。',
  },
  'seen.others_heard': {
    en: 'Of {count} other channels of this provider {heard} took callbacks in that time: it was not down.',
    zh: '同平台的其他 {count} 个渠道中有 {heard} 个在此期间收到回调：平台没有中断。',
  },
  'seen.others_silent': {
    en: 'None of the {count} other channels of this provider took any in that time either.',
    zh: '同平台的其他 {count} 个渠道在此期间也没有收到。',
  },
  'fix.others_silent': {
    en: 'Look at the provider’s status page. What is missing is asked for when the provider answers again.',
    zh: '请查看支付平台的状态页。平台恢复后会自动查询缺失的内容。',
  },
  'seen.alarmed': { en: 'There is an alarm: {alarm}. {detail}', zh: '存在告警：{alarm}。{detail}' },
} as const;
