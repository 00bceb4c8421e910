// What the payer reads, in two languages. Knows no order and no merchant.
import type { Language } from '../core/language.ts';
import type { PayState } from './view.ts';

export type Texts = {
  /** BCP 47, for the page and for amounts. */
  readonly locale: string;
  readonly title: string;
  readonly amount: string;
  /** What each state is called, and what to do in it. */
  readonly states: Readonly<Record<PayState, { readonly name: string; readonly advice: string }>>;
  readonly preparing: string;
  readonly codeOf: string;
  /** `{}` is the time that is left, or the time of day. */
  readonly validFor: string;
  readonly validUntil: string;
  readonly onPhone: string;
  readonly save: string;
  readonly open: string;
  readonly languages: string;
  readonly missing: { readonly name: string; readonly advice: string };
  readonly busy: { readonly name: string; readonly advice: string };
  readonly down: { readonly name: string; readonly advice: string };
};

export const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    locale: 'en',
    title: 'Payment',
    amount: 'Amount',
    states: {
      waiting: { name: 'Waiting for the payment', advice: 'Scan the code with your wallet app.' },
      paid: { name: 'Paid', advice: 'Thank you. You may close this page.' },
      expired: {
        name: 'The code has expired',
        advice: 'Ask the shop for a new one. If you have just paid, stay here: this page will say so by itself.',
      },
      closed: {
        name: 'This payment is closed',
        advice: 'Nothing can be paid here any more. If you have paid, ask the shop.',
      },
    },
    preparing: 'The code is being prepared. It will appear here by itself.',
    codeOf: 'Code to pay {}',
    validFor: 'Valid for {}',
    validUntil: 'Valid until {} UTC',
    onPhone: 'On this very phone? Save the code and choose it from your album in the scanner of your wallet app.',
    save: 'Save the code',
    open: 'Open in the app',
    languages: 'Language',
    missing: { name: 'There is no payment here', advice: 'Check the address, or ask the shop for a new one.' },
    busy: { name: 'Too many requests', advice: 'Wait a little, then load this page again.' },
    down: { name: 'Not to be reached at the moment', advice: 'Load this page again in a moment. Do not pay twice.' },
  },
  zh: {
    locale: 'zh-CN',
    title: '付款',
    amount: '金额',
    states: {
      waiting: { name: '等待付款', advice: '请使用钱包 App 扫描二维码。' },
      paid: { name: '付款成功', advice: '感谢您的付款，可以关闭本页。' },
      expired: {
        name: '二维码已过期',
        advice: '请向商家索取新的二维码。如果您刚刚付款，请停留在本页，结果会自动显示。',
      },
      closed: { name: '付款已关闭', advice: '此处不能再付款。如果您已付款，请联系商家。' },
    },
    preparing: '二维码正在生成，稍后会自动显示。',
    codeOf: '付款二维码，金额 {}',
    validFor: '剩余时间 {}',
    validUntil: '有效期至 {}（UTC）',
    onPhone: '正在用这部手机？请保存二维码，然后在钱包 App 的扫一扫中从相册选取。',
    save: '保存二维码',
    open: '在 App 中打开',
    languages: '语言',
    missing: { name: '这里没有付款', advice: '请检查网址，或向商家索取新的链接。' },
    busy: { name: '请求过于频繁', advice: '请稍候再刷新本页。' },
    down: { name: '暂时无法访问', advice: '请稍后刷新本页，请勿重复付款。' },
  },
};
