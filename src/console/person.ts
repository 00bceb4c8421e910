// A person whom Cloudflare Access proved, in the role that the settings give now. Never older than the settings' copy.
import type { Principal } from '../api/kit.ts';
import { type AccessSettings, roleOf, SCOPES_OF } from '../core/access.ts';
import type { CameBy } from './kit.ts';

/** Null: the settings name another team or application, or this person no more. Then /v1 knows nobody. */
export function principalOf(
  { issuer, audience, email, groups }: Extract<CameBy, { readonly kind: 'person' }>,
  settings: AccessSettings,
): Principal | null {
  if (settings.issuer !== issuer || !settings.audiences.includes(audience)) return null;
  const role = roleOf(settings, { email, groups });
  return role === null ? null : { id: email, scopes: SCOPES_OF[role] };
}
