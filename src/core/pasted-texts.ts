// What a check of credentials says: what was pasted, and how to mend it, in both languages. Words alone: the console
// and the answers of the API say the same by them.
export const pasted = {
  'pasted.sound': { en: 'Looks as it should.', zh: '格式正确。' },
  'pasted.refused': { en: 'Not what is needed here.', zh: '内容不符合要求。' },
  'pasted.spaces': {
    en: 'It begins or ends with a space or a line end. Paste it again without.',
    zh: '开头或结尾有空格或换行，请去掉后重新粘贴。',
  },
  'pasted.inside': {
    en: 'It has a space or a line end inside, after {count} characters. Paste it again in one piece.',
    zh: '第 {count} 个字符之后有空格或换行，请完整粘贴为一行。',
  },
  'pasted.quotes': {
    en: 'It is in quotation marks. Paste it without them.',
    zh: '带有引号，请去掉引号。',
  },
  'pasted.wide': {
    en:
      'It has a letter outside ASCII, after {count} characters: a full-width or an invisible one. Copy it from where ' +
      'it was made, not from a chat or a document.',
    zh: '第 {count} 个字符之后有非 ASCII 字符（全角或不可见字符）。请从原处复制，而非聊天或文档。',
  },
  'pasted.escaped': {
    en: 'Its line ends are written as \\n. Paste the file itself, with real line ends.',
    zh: '换行被写成了 \\n，请粘贴文件本身，保留真正的换行。',
  },
  'pasted.no_begin': {
    en: 'The line -----BEGIN …----- is missing. Paste the file whole, from its first line on.',
    zh: '缺少 -----BEGIN …----- 行，请从文件第一行起完整粘贴。',
  },
  'pasted.no_end': {
    en: 'The line -----END …----- is missing: the end was cut off. Paste the file whole.',
    zh: '缺少 -----END …----- 行，结尾被截断，请完整粘贴文件。',
  },
  'pasted.damaged': {
    en: 'What stands between its BEGIN and END lines is damaged: letters are missing or changed. Paste the file again.',
    zh: 'BEGIN 与 END 之间的内容已损坏（缺字或被改动），请重新粘贴文件。',
  },
  'pasted.private_key': {
    en: 'It is a private key, and {wants} belongs here. Nobody else may have seen it: if somebody did, make a new one.',
    zh: '这是私钥，此处应为{wants}。私钥不可外泄，若已外泄请重新生成。',
  },
  'pasted.public_key': { en: 'It is a public key, and {wants} belongs here.', zh: '这是公钥，此处应为{wants}。' },
  'pasted.certificate': { en: 'It is a certificate, and {wants} belongs here.', zh: '这是证书，此处应为{wants}。' },
  'pasted.request': {
    en: 'It is a request for a certificate (CSR), and {wants} belongs here.',
    zh: '这是证书请求 (CSR)，此处应为{wants}。',
  },
  'pasted.ssh': {
    en: 'It is an SSH key, and {wants} belongs here, in PEM form.',
    zh: '这是 SSH 密钥，此处应为 PEM 格式的{wants}。',
  },
  'pasted.encrypted': {
    en: 'It is encrypted with a password. Take the password off first: openssl pkey -in key.pem -out plain.pem',
    zh: '已用密码加密，请先去除密码：openssl pkey -in key.pem -out plain.pem',
  },
  'pasted.several': {
    en: 'It holds {count} keys or certificates, and one belongs here.',
    zh: '包含 {count} 个密钥或证书，此处只需一个。',
  },
  'pasted.expired': { en: 'The certificate expired on {day}.', zh: '证书已于 {day} 过期。' },
  'pasted.early': { en: 'The certificate is valid only from {day} on.', zh: '证书自 {day} 起才有效。' },
  'pasted.environment': {
    en: 'These are credentials for {theirs}, and the channel is for {ours}. All its callbacks would be refused.',
    zh: '这是{theirs}环境的凭据，而渠道是{ours}环境，所有回调都会被拒绝。',
  },
  'wants.private_key': { en: 'a private key', zh: '私钥' },
  'wants.public_key': { en: 'a public key', zh: '公钥' },
  'wants.certificate': { en: 'a certificate', zh: '证书' },
  'wants.certificates': { en: 'certificates', zh: '证书' },
  'asked.proved': {
    en: 'The provider was asked about an order that does not exist and said so: it takes these credentials.',
    zh: '已向支付平台查询一个不存在的订单并得到确认：平台接受这些凭据。',
  },
  'asked.refused': {
    en: 'The provider refused: {detail}',
    zh: '支付平台拒绝：{detail}',
  },
  'asked.unverified': {
    en: 'The provider answered, and its signature does not hold with these keys: {detail}',
    zh: '支付平台已答复，但用这些密钥无法验签：{detail}',
  },
  'asked.unset': {
    en: 'Not asked, because asking needs more than was given: {detail}',
    zh: '未询问：缺少查询所需的内容：{detail}',
  },
  'asked.away': {
    en: 'The provider gave no usable answer, so nothing is proved: {detail}',
    zh: '支付平台没有给出可用的答复，无法证实：{detail}',
  },
  'asked.cannot': {
    en: 'This provider cannot be asked. The first genuine callback is the proof; send a test where it offers one.',
    zh: '无法询问该支付平台。首个真实回调即为证明；若平台提供测试通知，请发送一次。',
  },
  'asked.skipped': {
    en: 'Not asked: mend the fields first.',
    zh: '未询问：请先修正上述字段。',
  },
} as const;
