// Any provider that nobody has written down: the profile engine without a single default. What a callback's values,
// proof and answers are, the channel says. Never assumes a dialect.
import { profileProvider } from './profile.ts';

export const generic = profileProvider(
  { id: 'generic', name: { en: 'Any provider (configured)', zh: '通用支付平台（自定义配置）' } },
  null,
);
