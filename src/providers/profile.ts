// The profile engine: a dialect that is a channel's configuration. A provider gives its name and its defaults, or none;
// the channel says where values stand, how they are proved and what is answered. Runs nothing that was configured.
import { z } from 'zod';
import type { CredentialProblem } from '../core/credential.ts';
import type { Rejection } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { ed25519PublicKeyOf, importEd25519PrivateKey } from '../crypto/ed25519.ts';
import { importRsaPrivateKey, rsaPublicKeyOf } from '../crypto/rsa.ts';
import {
  type AckDefaults,
  type Acknowledging,
  acknowledge,
  ackShape,
  readAcknowledgement,
} from './profile/acknowledgement.ts';
import { type Asking, capabilitiesOf } from './profile/api.ts';
import { translate } from './profile/mapping.ts';
import { type MappingDefaults, mappingShape } from './profile/mapping-schema.ts';
import type { Path } from './profile/path.ts';
import { type Complaint, type ProofDefaults, proofComplaints, proofShape } from './profile/proof-schema.ts';
import { freshUntil, resign } from './profile/resign.ts';
import { type Notice, proveCallback, type SigningKeys } from './profile/signature.ts';
import { apiShape, templateComplaints } from './profile/template-schema.ts';
import { write as writeTest } from './profile/test-callback.ts';
import { type AnyProvider, type Provider, provider } from './provider.ts';

export type ProfileDefaults = {
  readonly mapping: MappingDefaults;
  readonly proof: ProofDefaults;
  readonly acknowledgement: AckDefaults;
};

/** What every dialect of this engine asks for beside its proof. */
export const contentShape = (defaults: Omit<ProfileDefaults, 'proof'> | null) => ({
  ...mappingShape(defaults?.mapping ?? null),
  ...ackShape(defaults?.acknowledgement ?? null),
  ...apiShape(),
});

const shapeOf = (defaults: ProfileDefaults | null) => ({
  ...proofShape(defaults?.proof ?? null),
  ...contentShape(defaults),
});

const Shape = z.strictObject(shapeOf(null));
type Profile = z.output<typeof Shape>;

/** What every dialect of this engine has, once parsed. */
export type ContentOf = Asking & Acknowledging & { readonly privateKey?: string | undefined };

/** What is wrong with the mapping and the templates. */
export function contentComplaints(content: ContentOf): Complaint[] {
  const complaints = templateComplaints(content);
  if (content.merchantIds.length > 0 && content.fields.merchantId === undefined) {
    const message = 'merchantIds are compared with fields.merchantId, which is missing: say where it stands.';
    complaints.push({ path: ['fields', 'merchantId'], message });
  }
  return complaints;
}

const mappedPaths = ({ fields }: ContentOf): Path[] => Object.values(fields).filter((path) => path !== undefined);

const profileSchema = (defaults: ProfileDefaults | null): z.ZodType<Profile> =>
  z.strictObject(shapeOf(defaults)).superRefine((profile, context) => {
    const proof = proofComplaints(profile, mappedPaths(profile), profile.formats);
    for (const { path, message } of [...proof, ...contentComplaints(profile)]) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

const RSA_BITS_MIN = 2_048;

/** Reads every key once and says which one is not what its algorithm needs. */
async function inspectProfile(profile: Profile): Promise<Result<null, CredentialProblem>> {
  const { algorithm } = profile.signature;
  for (const [index, pem] of profile.publicKeys.entries()) {
    const key = algorithm === 'ed25519' ? await ed25519PublicKeyOf(pem) : await rsaPublicKeyOf(pem);
    const field = `publicKeys.${index}`;
    if (key !== null && 'bits' in key && key.bits < RSA_BITS_MIN) {
      return err({ field, message: `${field} has ${key.bits} bits: ask for a key of at least ${RSA_BITS_MIN}.` });
    }
    if (key !== null) continue;
    const kind = algorithm === 'ed25519' ? 'an Ed25519' : 'an RSA';
    return err({ field, message: `${field} cannot be read as ${kind} key: paste the PEM text whole.` });
  }
  return inspectPrivateKey(profile);
}

export async function inspectPrivateKey({ privateKey }: ContentOf): Promise<Result<null, CredentialProblem>> {
  if (privateKey === undefined) return ok(null);
  if ((await importRsaPrivateKey(privateKey)) !== null) return ok(null);
  if ((await importEd25519PrivateKey(privateKey)) !== null) return ok(null);
  const message = 'privateKey cannot be read as an RSA or Ed25519 key: paste the PEM text whole, without a password.';
  return err({ field: 'privateKey', message });
}

/** What distinguishes one dialect of this engine from another. */
export type Dialect<C extends ContentOf> = Pick<
  Provider<C, Notice>,
  | 'id'
  | 'name'
  | 'credentials'
  | 'inspectCredentials'
  | 'evidenceHeaders'
  | 'evidenceHeadersOf'
  | 'freshUntil'
  | 'resign'
  | 'testCallback'
> & {
  readonly prove: Provider<C, Notice>['verify'];
  readonly keysOf: (credentials: C) => SigningKeys;
};

export function mappedProvider<C extends ContentOf>({ prove, keysOf, ...dialect }: Dialect<C>): AnyProvider {
  return provider<C, Notice>({
    ...dialect,
    // Nobody publishes one; most senders wait 5 s or longer.
    ackDeadlineMs: 4_000,
    sourceRanges: [],
    retryScheduleSeconds: [],
    verify: prove,
    translate: (notice, credentials) => translate(notice, credentials, credentials.query !== undefined),
    acknowledge,
    readAcknowledgement,
    linksById: true,
    ...capabilitiesOf(keysOf),
  });
}

type Named = Pick<Dialect<Profile>, 'id' | 'name'>;

/** A dialect whose proof, too, is configuration. Null: it has no defaults. */
export function profileProvider({ id, name }: Named, defaults: ProfileDefaults | null): AnyProvider {
  const headers = [defaults?.proof.signature, defaults?.proof.timestamp];
  return mappedProvider<Profile>({
    id,
    name,
    credentials: profileSchema(defaults),
    inspectCredentials: inspectProfile,
    evidenceHeaders: headers.flatMap((part) => (part?.in === 'header' ? [part.name.toLowerCase()] : [])),
    evidenceHeadersOf: ({ signature, timestamp }) =>
      [signature, timestamp].flatMap((part) => (part?.in === 'header' ? [part.name.toLowerCase()] : [])),
    freshUntil,
    resign,
    testCallback: { currency: 'CNY', write: writeTest },
    prove: (callback, profile, _keys, now): Promise<Result<Notice, Rejection>> => proveCallback(callback, profile, now),
    keysOf: ({ signingSecret, secrets, secretEncoding, privateKey }) => ({
      secret: signingSecret ?? secrets[0] ?? null,
      secretEncoding,
      privateKey: privateKey ?? null,
    }),
  });
}
