// What a look at an origin's address says, and what to do, in both languages. Words alone: the console and the answers
// of the API say the same by them.
export const reached = {
  'reached.answered': {
    en: 'It answered {status} after {ms} ms. Whether it takes a delivery, only a POST can tell: send a test.',
    zh: '{ms} 毫秒后返回 {status}。能否接收投递只有 POST 才能知道：请发送测试。',
  },
  'reached.post_only': {
    en: 'It answered {status} after {ms} ms, as an address does that takes POST alone. Send a test to see the rest.',
    zh: '{ms} 毫秒后返回 {status}，符合只接收 POST 的地址。请发送测试以确认其余。',
  },
  'reached.nothing_there': {
    en:
      'The server is reached and answered {status} after {ms} ms: perhaps nothing is at this path, perhaps it takes ' +
      'POST alone. Compare the path, then send a test.',
    zh: '服务器可达，{ms} 毫秒后返回 {status}：此路径可能不存在，也可能只接收 POST。请核对路径后发送测试。',
  },
  'reached.guarded': {
    en:
      'It answered {status} after {ms} ms: something wants a proof. Let deliveries pass there, or give the origin ' +
      'what it has to show (auth).',
    zh: '{ms} 毫秒后返回 {status}：需要认证。请放行投递，或为源站配置附加认证 (auth)。',
  },
  'reached.redirect': {
    en: 'It answered {status} and leads elsewhere. Deliveries follow no redirect: enter the address where it leads.',
    zh: '返回 {status} 并跳转。投递不会跟随跳转：请填写跳转后的地址。',
  },
  'reached.failing': {
    en: 'It answered {status} after {ms} ms: the server is reached and fails. See its log.',
    zh: '{ms} 毫秒后返回 {status}：服务器可达但出错，请查看其日志。',
  },
  'reached.unreachable': {
    en: 'No connection came about. Check the name, the certificate, the port and the firewall.',
    zh: '无法建立连接。请检查域名、证书、端口和防火墙。',
  },
  'reached.timed_out': {
    en: 'No answer came within {ms} ms. Look for a firewall that drops requests, or a server that hangs.',
    zh: '{ms} 毫秒内没有答复。请检查是否有防火墙丢弃请求，或服务器挂起。',
  },
  'reached.not_sent': { en: 'Not tried: {why}', zh: '未尝试：{why}' },
} as const;
