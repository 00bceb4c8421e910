// Texts of the page that finds out why something did not arrive. What it finds is said in core/diagnosis.
export const why = {
  'why.title': { en: 'Why did I not get it?', zh: '为什么没收到？' },
  'why.help': {
    en:
      'Give the order that is missing, or only a time. The provider is asked about the order, and what it says is ' +
      'recorded; the callback URL is called once from outside.',
    zh: '填写缺失的订单，或仅填写时间。系统会向支付平台查询该订单并记录结果，同时从外部访问一次回调地址。',
  },
  'why.transactionId': { en: 'Or the provider’s transaction number', zh: '或平台交易号' },
  'why.at': { en: 'Or about when', zh: '或大约时间' },
  'why.at.help': {
    en: 'Ten minutes before and after are looked at. Left empty: when the order was paid, or just now.',
    zh: '查看前后各十分钟。留空则取订单付款时间，或最近。',
  },
  'why.zone': { en: 'Time zone', zh: '时区' },
  'why.act': { en: 'Find out', zh: '开始排查' },
  'why.found': { en: 'What was found', zh: '排查结果' },
  'why.cause': { en: 'Begin here', zh: '从这里入手' },
  'why.well': { en: 'No problem was found', zh: '没有发现问题' },
  'why.well.help': {
    en: 'What the steps below say is as it should be, or could not be seen from here.',
    zh: '以下各步骤均正常，或无法从此处得知。',
  },
  'why.time': { en: 'Looked at', zh: '查看范围' },
  'why.remarks': { en: 'Besides, at this channel', zh: '此渠道的其他告警' },
  'why.remarks.help': {
    en: 'Alarms that have nothing to do with what is missing.',
    zh: '与此次缺失无关的告警。',
  },
  'judged.ok': { en: 'In order', zh: '正常' },
  'judged.problem': { en: 'Problem', zh: '有问题' },
  'judged.unknown': { en: 'Not known', zh: '未知' },
  'todo.enable_channel': { en: 'Enable the channel', zh: '启用渠道' },
  'todo.resume_channel': { en: 'Resume the channel', zh: '恢复渠道' },
  'todo.rotate_channel': { en: 'Rotate the credentials', zh: '轮换凭据' },
  'todo.change_allowlist': { en: 'See the allowlist', zh: '查看白名单' },
  'todo.see_channel': { en: 'See the channel', zh: '查看渠道' },
  'todo.see_callbacks': { en: 'See the callbacks', zh: '查看回调' },
  'todo.see_refusals': { en: 'See the refusals', zh: '查看拒绝记录' },
  'todo.see_alarms': { en: 'See the alarms', zh: '查看告警' },
  'todo.see_order': { en: 'See the order', zh: '查看订单' },
  'todo.release_order': { en: 'Release what is held', zh: '放行暂扣事件' },
  'todo.replay_order': { en: 'Deliver again', zh: '重新投递' },
  'todo.resume_origin': { en: 'Resume the origin', zh: '恢复源站' },
  'todo.see_origin': { en: 'See the origin', zh: '查看源站' },
  'todo.test_channel': { en: 'Send or see a test', zh: '发送或查看测试' },
  'todo.see_deliveries': { en: 'See dead deliveries', zh: '查看失败的投递' },
} as const;
