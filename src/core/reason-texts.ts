// Why callbacks are refused: what each reason means, and what to do, in both languages. Words alone: the console and
// the answers of the API say the same by them.
export const reasons = {
  'reason.unknown_channel': { en: 'Unknown channel', zh: '未知渠道' },
  'mend.unknown_channel': {
    en:
      'Somebody calls an address of a channel that does not exist. Compare the notify URL at the ' +
      'provider with the callback URL of your channel, letter by letter.',
    zh: '有人调用了不存在的渠道地址。请逐字核对支付平台处的通知地址与渠道的回调地址。',
  },
  'reason.channel_disabled': { en: 'Channel disabled', zh: '渠道已停用' },
  'mend.channel_disabled': {
    en: 'The channel is switched off; the provider calls again. Enable the channel if it should take payments.',
    zh: '渠道已停用，支付平台会重试。如需收款，请启用渠道。',
  },
  'reason.method_not_allowed': { en: 'Not a POST', zh: '请求方法不对' },
  'mend.method_not_allowed': {
    en: 'Usually a person who opened the callback URL in a browser, or a scanner. Nothing to do.',
    zh: '通常是有人在浏览器中打开了回调地址，或是扫描器。无需处理。',
  },
  'reason.too_large': { en: 'Too large', zh: '内容过大' },
  'mend.too_large': {
    en: 'No provider sends so much. Look at the address it came from; genuine callbacks are far smaller.',
    zh: '支付平台不会发送这么大的内容。请查看来源地址，真实回调要小得多。',
  },
  'reason.malformed': { en: 'Not readable', zh: '无法解析' },
  'mend.malformed': {
    en:
      'The body is not what the provider’s documents describe. Check that the channel is of the ' +
      'right provider and version, and that no proxy changes the body.',
    zh: '内容与支付平台文档不符。请确认渠道的平台与版本正确，且没有代理改动内容。',
  },
  'reason.source_not_allowed': { en: 'Address not allowed', zh: '来源地址不在名单内' },
  'mend.source_not_allowed': {
    en:
      'The caller’s address is outside the channel’s allowlist. If it is the provider’s, add its ' +
      'range; to find out without refusing, set the allowlist to watch.',
    zh: '来源地址不在渠道的白名单内。若属于支付平台，请添加该网段；如只想观察，可改为观察模式。',
  },
  'reason.header_missing': { en: 'Signature headers missing', zh: '缺少签名头' },
  'mend.header_missing': {
    en:
      'The headers that prove the callback did not arrive. Check that no proxy or firewall before ' +
      'the gateway removes them.',
    zh: '缺少用于验证的请求头。请检查网关之前是否有代理或防火墙将其去除。',
  },
  'reason.timestamp_stale': { en: 'Too old, or from the future', zh: '时间戳过期' },
  'mend.timestamp_stale': {
    en:
      'The callback was signed too long ago: a copy played again, or a proxy that held it. If all ' +
      'callbacks are hit, check the clock of whoever signs.',
    zh: '签名时间过久：可能是重放，或被代理滞留。若所有回调都如此，请检查签名方的时钟。',
  },
  'reason.unknown_key': { en: 'Unknown key', zh: '未知的密钥序列号' },
  'mend.unknown_key': {
    en:
      'It names a key that this channel does not hold. Compare the serial in the detail with the ' +
      'provider’s console, and enter the missing key or certificate.',
    zh: '通知使用了渠道没有的密钥。请将详情中的序列号与支付平台后台核对，并录入缺少的公钥或证书。',
  },
  'reason.keys_unavailable': { en: 'Keys could not be fetched', zh: '无法获取验签密钥' },
  'mend.keys_unavailable': {
    en:
      'The provider’s keys could not be fetched, mostly because the API credentials are wrong. ' +
      'Check merchant number, serial and private key of the channel.',
    zh: '无法从支付平台获取验签密钥，多因 API 凭据有误。请检查渠道的商户号、证书序列号和私钥。',
  },
  'reason.signature_invalid': { en: 'Signature does not hold', zh: '签名不正确' },
  'mend.signature_invalid': {
    en:
      'A forged call, a wrong key, or a body changed on its way. If it is every callback: enter ' +
      'the key of this merchant and environment again, and look for a proxy that rewrites bodies.',
    zh: '伪造请求、密钥不对，或内容在途中被改动。若每个回调都如此，请重新录入该商户及环境的密钥，并检查是否有代理改写内容。',
  },
  'mend.signature_right': {
    en:
      'Other callbacks verified with the same keys in that time, so the keys are right: this one was forged, or its ' +
      'body was changed on its way. Look for a proxy or firewall before the gateway that rewrites bodies.',
    zh: '同一时段其他回调用相同密钥验签成功，密钥没有问题：此回调为伪造，或内容在途中被改动。请检查网关前是否有代理或防火墙改写内容。',
  },
  'mend.signature_wrong': {
    en:
      'No callback has ever verified at this channel, so most likely the key is wrong: enter the key of this ' +
      'merchant and environment again. If it is right, a proxy before the gateway rewrites bodies.',
    zh: '此渠道从未有回调通过验签，多半是密钥有误：请重新录入该商户及环境的密钥。若密钥无误，则是网关之前的代理改写了内容。',
  },
  'mend.signature_changed': {
    en:
      'The last one that verified came at {last}: something changed since. Either the provider signs with a new ' +
      'key, which wants to be entered, or a new proxy before the gateway rewrites bodies.',
    zh: '最近一次验签成功是 {last}，此后有所变化：或是支付平台启用了新密钥（请录入），或是网关之前新增的代理改写了内容。',
  },
  'reason.signature_probe': { en: 'The provider’s own probe', zh: '平台的验签探测' },
  'mend.signature_probe': {
    en: 'The provider sends a wrong signature on purpose to see that it is refused. It was. Nothing to do.',
    zh: '支付平台故意发送错误签名以检验是否会拒绝，已正确拒绝。无需处理。',
  },
  'reason.decrypt_failed': { en: 'Could not be decrypted', zh: '解密失败' },
  'mend.decrypt_failed': {
    en:
      'The signature holds, and the content does not open: the channel’s symmetric key is not the ' +
      'one set at the provider. Enter it again.',
    zh: '签名正确但无法解密：渠道的对称密钥与支付平台处设置的不一致，请重新录入。',
  },
  'reason.wrong_merchant': { en: 'Another merchant’s', zh: '属于其他商户' },
  'mend.wrong_merchant': {
    en:
      'A genuine callback of another merchant number or app. Compare both in the detail, and give ' +
      'each merchant a channel of its own.',
    zh: '是其他商户号或应用的真实回调。请核对详情，并为每个商户建立各自的渠道。',
  },
  'reason.wrong_environment': { en: 'Other environment', zh: '环境不符' },
  'mend.wrong_environment': {
    en: 'A test callback at a live channel, or the other way round. Use a channel for each environment.',
    zh: '测试回调发到了生产渠道，或相反。请为每个环境使用单独的渠道。',
  },
  'reason.overloaded': { en: 'Too busy', zh: '过载' },
  'mend.overloaded': {
    en:
      'Refused before it was looked at; the provider calls again. If it lasts, look for a flood ' + 'from one address.',
    zh: '未及查看即被拒绝，支付平台会重试。若持续出现，请检查是否有来自某地址的大量请求。',
  },
} as const;
