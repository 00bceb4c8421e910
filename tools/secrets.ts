// Local secrets in .dev.vars: read, or made on the first run. Never prints a value, never changes one that is there.
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Sentence } from './terminal.ts';

/** What each secret is made of when it is missing. */
const MAKE: Readonly<Record<string, () => string>> = {
  TOLLGATE_MASTER_KEY: () => randomBytes(32).toString('base64'),
  TOLLGATE_ADMIN_KEY: () => `tg_${randomBytes(24).toString('base64url')}`,
};

const HEADER = `# Local secrets, made on the first run; git ignores this file. Without TOLLGATE_MASTER_KEY the sealed
# credentials in the state folder cannot be opened again.
`;

/** Every var in the file; the secrets that it lacks are made and added (readable by the owner alone). */
export function readOrCreateSecrets(file: string): Record<string, string> {
  if (!existsSync(file)) {
    try {
      writeFileSync(file, HEADER, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      // Two first runs at once: the other one made it.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // fs throws ErrnoException
    }
  }
  const text = readFileSync(file, 'utf8');
  const missing = Object.keys(MAKE).filter((name) => !present(text)[name]);
  if (missing.length > 0) {
    const lines = missing.map((name) => `${name}="${MAKE[name]?.()}"\n`);
    chmodSync(file, 0o600); // it may have been made by hand, for all to read
    appendFileSync(file, (text.endsWith('\n') ? '' : '\n') + lines.join(''));
  }
  return present(readFileSync(file, 'utf8'));
}

function present(text: string): Record<string, string> {
  const vars: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text))) if (value !== undefined) vars[name] = value;
  return vars;
}

/** Refuses state that was sealed under another master key: every credential in it would fail to open. */
export function assertSameMasterKey(stateDir: string, masterKey: string): void {
  const file = join(stateDir, 'master-key.id');
  const id = createHash('sha256').update(`tollgate master key id ${masterKey}`).digest('hex').slice(0, 16);
  if (!existsSync(file)) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${id}\n`);
    return;
  }
  if (readFileSync(file, 'utf8').trim() === id) return;
  throw new Sentence(
    `The state in ${stateDir} was sealed under another TOLLGATE_MASTER_KEY than the one in use. ` +
      'Put the old key back into .dev.vars, or delete the state folder to begin anew.',
  );
}
