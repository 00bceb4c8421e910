// The Worker's bindings and vars, parsed once per isolate; refuses to run half-configured. Never prints a value.
import { z } from 'zod';

const Base64Key = z.string().refine((text) => /^[A-Za-z0-9+/]{43}=$/.test(text), 'must be 32 bytes in base64');
/** Plain http to this machine: what a local run has, and a deployment never. */
const isLocalAddress = (url: string) => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(hostname);
};

const Address = z
  .string()
  .refine((text) => text === '' || URL.canParse(text), 'must be an absolute URL')
  .refine((text) => text === '' || !/[?#]/.test(text), 'must have no query: providers refuse it')
  .transform((text) => (text === '' ? null : text.replace(/\/+$/, '')));

const Vars = z.object({
  TOLLGATE_PUBLIC_URL: Address.refine(
    (url) => url === null || url.startsWith('https:') || isLocalAddress(url),
    'must be https (http only for the local address)',
  ),
  TOLLGATE_PROVIDER_BASE: Address,
  TOLLGATE_MASTER_KEY: Base64Key,
  TOLLGATE_ADMIN_KEY: z.string().regex(/^tg_[A-Za-z0-9_-]{20,}$/, 'must be tg_ and at least 20 letters or digits'),
  TOLLGATE_LEASE_MS: z.coerce.number().int().min(100).max(600_000),
  TOLLGATE_LOG: z.enum(['hops', 'faults']).default('hops'),
});

export type Config = {
  /** Where providers reach us; null while it is not configured. No trailing slash. */
  readonly publicUrl: string | null;
  /** Provider calls go here instead of the provider's own hosts; local runs only. */
  readonly providerBase: string | null;
  /** 32 bytes, base64. */
  readonly masterKey: string;
  readonly adminKey: string;
  readonly leaseMs: number;
  /** A local run: loopback origins over http are allowed there and only there. */
  readonly isLocal: boolean;
  /** One line of log for each hop; else only for what fails. */
  readonly logsHops: boolean;
};

export type Vars = {
  readonly TOLLGATE_PUBLIC_URL: string;
  readonly TOLLGATE_PROVIDER_BASE: string;
  readonly TOLLGATE_MASTER_KEY: string;
  readonly TOLLGATE_ADMIN_KEY: string;
  readonly TOLLGATE_LEASE_MS: string;
  readonly TOLLGATE_LOG?: string;
};

const parsed = new WeakMap<object, Config>();

/** Parses the vars; throws one sentence that names each bad var and never its value. */
export function readConfig(env: Vars): Config {
  const known = parsed.get(env);
  if (known) return known;
  const result = Vars.safeParse(env);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new Error(`Tollgate is not configured: ${problems.join('; ')}.`);
  }
  const vars = result.data;
  const isLocal = vars.TOLLGATE_PUBLIC_URL !== null && isLocalAddress(vars.TOLLGATE_PUBLIC_URL);
  if (vars.TOLLGATE_PROVIDER_BASE !== null && !isLocal) {
    throw new Error('Tollgate is not configured: TOLLGATE_PROVIDER_BASE is for local runs only; remove it.');
  }
  const config: Config = {
    publicUrl: vars.TOLLGATE_PUBLIC_URL,
    providerBase: vars.TOLLGATE_PROVIDER_BASE,
    masterKey: vars.TOLLGATE_MASTER_KEY,
    adminKey: vars.TOLLGATE_ADMIN_KEY,
    leaseMs: vars.TOLLGATE_LEASE_MS,
    isLocal,
    logsHops: vars.TOLLGATE_LOG === 'hops',
  };
  parsed.set(env, config);
  return config;
}

/** A binding that deliveries may go through, by the name that an origin gives; null when there is none. */
export function bindingOf(env: object, name: string): Pick<Fetcher, 'fetch'> | null {
  const binding: unknown = Reflect.get(env, name);
  return canFetch(binding) ? binding : null;
}

const canFetch = (value: unknown): value is Pick<Fetcher, 'fetch'> =>
  typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function';

/** The deployment's way to send e-mail; null when it has none. */
export function mailOf(env: object): Pick<SendEmail, 'send'> | null {
  const binding: unknown = Reflect.get(env, 'EMAIL');
  return canSend(binding) ? binding : null;
}

const canSend = (value: unknown): value is Pick<SendEmail, 'send'> =>
  typeof value === 'object' && value !== null && 'send' in value && typeof value.send === 'function';
