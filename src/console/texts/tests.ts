// Texts of test callbacks: the page that sends one, and the page that shows how far it came.
export const tests = {
  'test.send': { en: 'Send a test callback', zh: '发送测试回调' },
  'test.again': { en: 'Send another', zh: '再发一个' },
  'test.title': { en: 'Test callback {orderNo}', zh: '测试回调 {orderNo}' },
  'test.what': {
    en:
      'A callback of {amount} is written as the provider would write it. It is verified, recorded and delivered as a ' +
      'real one. Its order number begins with TEST-, its events say test: true, and it counts in no figure, report ' +
      'or bill.',
    zh:
      '将按支付平台的格式生成一条 {amount} 的回调，并像真实回调一样验签、入账、投递。其订单号以 TEST- 开头，' +
      '事件标有 test: true，不计入任何统计、报表或对账单。',
  },
  'test.goes': { en: 'Where it goes', zh: '投递去向' },
  'test.goes.none': {
    en: 'This channel has no origin yet: what one would get is shown.',
    zh: '该渠道还没有源站，将显示源站会收到的内容。',
  },
  'test.goes.help': {
    en:
      'Only origins that take tests are sent one: a backend that does not look at test: true would ship goods. For ' +
      'the others you see what they would have got.',
    zh: '只投递给接受测试的源站：不识别 test: true 的后端可能会发货。其余源站只显示将会收到的内容。',
  },
  'test.origin': { en: 'Origin', zh: '源站' },
  'test.accepts': { en: 'Takes tests', zh: '接受测试' },
  'test.accepts.yes': { en: 'Yes: it is sent one', zh: '是，会投递' },
  'test.accepts.no': { en: 'No: only shown here', zh: '否，仅在此显示' },
  'test.accepts.paused': { en: 'Yes, and it waits: paused', zh: '是，但已暂停，将等待' },
  'test.accepts.label': { en: 'Test callbacks', zh: '测试回调' },
  'test.accepts.choice': { en: 'Take test callbacks; they say test: true', zh: '接受测试回调（标有 test: true）' },
  'test.accepts.help': {
    en: 'Leave it out where the backend does not look at test: true: it would ship goods.',
    zh: '如果后端不识别 test: true，请勿勾选，否则可能误发货。',
  },
  'test.accepts.change': { en: 'Change', zh: '修改' },
  'test.accepts.on': { en: 'Take test callbacks', zh: '接受测试回调' },
  'test.accepts.off': { en: 'Take no test callbacks', zh: '不再接受测试回调' },
  'test.accepts.on.will': {
    en: 'Origin {id} will be sent test callbacks. Its backend must look at test: true, or it ships goods for them.',
    zh: '将向源站 {id} 投递测试回调。其后端必须识别 test: true，否则会为测试发货。',
  },
  'test.accepts.off.will': {
    en: 'Origin {id} is sent no test callbacks any more. Real events go on.',
    zh: '不再向源站 {id} 投递测试回调，真实事件不受影响。',
  },
  'test.echo': { en: 'Have the provider call', zh: '请支付平台回调' },
  'test.echo.help': {
    en:
      'This provider calls on request, with a genuine notice about nothing. It proves what no test of ours can: the ' +
      'address, the allowlist, and the provider’s own keys. No order and no origin hears of it.',
    zh:
      '该支付平台可按请求发起一次真实但不涉及订单的通知，用来验证我们的测试无法验证的部分：' +
      '回调地址、白名单和平台密钥。' +
      '不会影响订单，也不会投递给源站。',
  },
  'test.echo.came': { en: 'The provider called, and its notice was taken.', zh: '支付平台已回调，通知验证通过。' },
  'test.echo.missed': {
    en:
      'The provider was asked, and its notice did not come within six seconds. Look among the callbacks: it was ' +
      'refused there, with the reason, or it is not there at all. Then the address is not reached from outside.',
    zh:
      '已请求支付平台，但六秒内没有收到通知。' +
      '请到“回调”中查看：若被拒绝会有原因；若没有记录，说明回调地址从外部无法到达。',
  },
  'test.live': {
    en: 'This page follows it by itself; without a script, load it again.',
    zh: '本页自动刷新；未启用脚本时请手动刷新。',
  },
  'test.reload': { en: 'Load again', zh: '刷新' },
  'test.step.written': { en: 'Written and signed', zh: '生成并签名' },
  'test.signed.shared_secret': {
    en: 'With the secret that the provider and this channel share, as the provider would.',
    zh: '使用支付平台与该渠道共享的密钥签名，与平台一致。',
  },
  'test.signed.test_key': {
    en: 'Only the provider can sign: a key was made for this test, and nothing else takes it.',
    zh: '只有支付平台才能签名：本次测试使用临时密钥，其他任何地方都不接受它。',
  },
  'test.step.arrived': { en: 'Arrived', zh: '到达网关' },
  'test.step.answered': { en: 'The provider would be answered', zh: '对支付平台的应答' },
  'test.step.told': { en: 'Told', zh: '产生事件' },
  'test.step.delivery': { en: 'To {origin}', zh: '投递至 {origin}' },
  'test.noBody': { en: 'without a body', zh: '无正文' },
  'test.nobody': { en: 'an origin, if there were one', zh: '（尚无源站）' },
  'test.attempt': { en: 'Attempt {attempt}: {outcome}', zh: '第 {attempt} 次：{outcome}' },
  'test.filtered': { en: 'Its filter leaves this event out.', zh: '其过滤条件排除了该事件。' },
  'test.sent_before': {
    en: 'It began to take tests after this one. Send another.',
    zh: '该源站在此测试之后才开始接受测试，请再发一个。',
  },
  'test.notSent': { en: 'Not sent. This is what it would have got:', zh: '未投递。它本会收到：' },
  'test.sample': { en: 'Signed with a secret made for this page: {secret}', zh: '使用为本页生成的密钥签名：{secret}' },
  'test.request': { en: 'Show the request', zh: '查看请求内容' },
  'test.kept': { en: 'Kept until', zh: '保留至' },
} as const;
