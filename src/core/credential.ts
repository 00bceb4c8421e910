// What a provider can say of a channel's credentials: which field is wrong, and what among them ends by itself. Pure.
// Never holds a secret: a certificate is public.

export type CredentialProblem = { readonly field: string; readonly message: string };

/** A certificate among the credentials. `serial` is hex, upper case, without leading zeros. */
export type CredentialExpiry = {
  readonly field: string;
  readonly serial: string;
  readonly effectiveAt: number;
  readonly expiresAt: number;
};

export type Expiring<Credentials> = {
  /** The certificates among these credentials, so that somebody hears of their end before it. */
  readonly expiries?: (credentials: Credentials) => readonly CredentialExpiry[];
  /** Whether they are for real money or for tests, where they say so themselves; null where these do not. */
  readonly environmentOf?: (credentials: Credentials) => 'live' | 'test' | null;
};
