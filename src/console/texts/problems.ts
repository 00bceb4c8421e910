// What problems of /v1 mean for a person at the console, and what to do next. One entry a code.
export const problems = {
  'problem.title': { en: 'That did not work', zh: '操作未成功' },
  'problem.invalid_json': {
    en: 'The request could not be read. Go back and try again.',
    zh: '请求无法解析，请返回重试。',
  },
  'problem.unauthorized': { en: 'The key is not valid any more. Log in again.', zh: '密钥已失效，请重新登录。' },
  'problem.forbidden': {
    en: 'Your key may not do this. Log in with a key that has the scope named below.',
    zh: '您的密钥没有此权限，请使用具有下述权限的密钥登录。',
  },
  'problem.not_found': {
    en: 'There is no such thing here. Check the address, or search in the lists.',
    zh: '没有找到。请检查地址，或在列表中查找。',
  },
  'problem.already_exists': { en: 'The id is taken. Choose another one.', zh: '该 ID 已被占用，请换一个。' },
  'problem.changed_meanwhile': {
    en: 'Somebody else changed it meanwhile. Look at it again, then repeat.',
    zh: '期间已被他人修改。请重新查看后再操作。',
  },
  'problem.order_conflict': {
    en: 'The order is registered with other data, which stands.',
    zh: '订单已以其他数据登记，以登记为准。',
  },
  'problem.order_paid': { en: 'The order is paid. Refund it instead.', zh: '订单已支付，请改用退款。' },
  'problem.order_expired': { en: 'The order has expired. Register a new one.', zh: '订单已过期，请登记新订单。' },
  'problem.order_closed': { en: 'The order is closed. Register a new one.', zh: '订单已关闭，请登记新订单。' },
  'problem.refund_conflict': {
    en: 'This refund number stands for another refund. Choose a new number.',
    zh: '该退款单号已用于另一笔退款，请换一个单号。',
  },
  'problem.refund_exceeds_payment': { en: 'That is more than is left to give back.', zh: '超过了可退金额。' },
  'problem.insufficient_balance': {
    en: 'The account at the provider cannot cover the refund. Top it up, then repeat with the same number.',
    zh: '支付平台账户余额不足。请充值后用同一单号重试。',
  },
  'problem.second_key_needed': {
    en: 'Noted. Another API key has to say the same before anything moves.',
    zh: '已记录。需要另一把 API 密钥作同样确认后才会执行。',
  },
  'problem.wrong_status': {
    en: 'Not possible as it stands now. Why, is said below.',
    zh: '当前状态下无法执行，原因见下。',
  },
  'problem.cursor_gone': { en: 'The position in the feed is of another time.', zh: '事件流的位置已失效。' },
  'problem.body_too_large': { en: 'The form is too large.', zh: '表单内容过大。' },
  'problem.unsupported_media_type': {
    en: 'The request was not JSON. Go back and try again.',
    zh: '请求不是 JSON，请返回重试。',
  },
  'problem.validation_failed': { en: 'Some fields need mending.', zh: '有些内容需要修改。' },
  'problem.idempotency_key_reused': {
    en: 'This form was sent before with other data. Open it anew.',
    zh: '此表单已以其他内容提交过，请重新打开。',
  },
  'problem.public_url_missing': {
    en: 'TOLLGATE_PUBLIC_URL is not set: providers would not know where to call. Set it and deploy.',
    zh: '未设置 TOLLGATE_PUBLIC_URL，支付平台不知道回调到哪里。请设置并部署。',
  },
  'problem.pay_not_supported': { en: 'This provider cannot be asked for a payment.', zh: '该支付平台不支持下单。' },
  'problem.query_not_supported': {
    en: 'This provider cannot be asked how an order stands.',
    zh: '该支付平台不支持查询订单。',
  },
  'problem.close_not_supported': { en: 'This provider closes no orders.', zh: '该支付平台不支持关单。' },
  'problem.refund_not_supported': {
    en: 'This provider takes no refund requests from here. Refund in its own console; the notice arrives here.',
    zh: '该支付平台不支持从此处退款。请在其后台退款，结果通知会送达这里。',
  },
  'problem.provider_not_configured': {
    en: 'The channel lacks what the provider needs. Complete its credentials.',
    zh: '渠道缺少支付平台所需的配置，请补全凭据。',
  },
  'problem.test_not_supported': {
    en: 'This channel can have no test callback. Why, is said below.',
    zh: '该渠道无法发送测试回调，原因见下。',
  },
  'problem.not_renderable': { en: 'The event cannot be told in this format.', zh: '该事件无法用此格式表达。' },
  'problem.provider_refused': {
    en: 'The provider refused. Its words are below.',
    zh: '支付平台拒绝了请求，原文见下。',
  },
  'problem.rate_limited': { en: 'Too many at once. Wait a moment, then repeat.', zh: '请求过于频繁，请稍候重试。' },
  'problem.internal': {
    en: 'Something went wrong inside. The log has one line about it. Try again.',
    zh: '内部出错，日志中有一行记录。请重试。',
  },
  'problem.provider_unavailable': {
    en: 'The provider gave no usable answer. Nothing is lost; repeat later.',
    zh: '支付平台未给出可用的答复。没有任何丢失，请稍后重试。',
  },
  'problem.unavailable': {
    en: 'A part of the gateway does not answer. Callbacks are safe. Try again.',
    zh: '网关的一部分没有响应，回调不受影响。请重试。',
  },
  'problem.projection_unavailable': {
    en: 'The database of lists does not answer. Callbacks and single orders are not touched. Try again later.',
    zh: '列表数据库没有响应，回调和单个订单不受影响。请稍后重试。',
  },
  'problem.provider_timeout': {
    en: 'The provider did not answer in time. Repeat; the same act is done once.',
    zh: '支付平台未及时答复。请重试，同一操作只会执行一次。',
  },
  'problem.form': {
    en: 'The form was not sent by this console, or the page was too old. Load the page anew and repeat.',
    zh: '表单不是由本控制台提交，或页面已过旧。请刷新页面后重试。',
  },
  'problem.page': { en: 'There is no such page.', zh: '没有这个页面。' },
  'problem.home': { en: 'To the overview', zh: '返回总览' },
  'problem.again': { en: 'Load this page again', zh: '重新加载本页' },
} as const;
