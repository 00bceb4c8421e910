// Holds the house rules that no compiler holds: who may import whom, what pure folders may not touch, sizes and words.
// Each failure lists file, line and rule.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROVIDER_IDS } from '../src/providers/index.ts';
import { blank, filesUnder, functionsOf, lineOf, resolved, type Source, sourcesUnder } from './tidy/source.ts';

const src = sourcesUnder('src');
const tools = sourcesUnder('tools');
const tests = sourcesUnder('test');
const written = [...src, ...tools];
const all = [...written, ...tests];

/** Where a file lives, as the import table names it: a folder, or a verb with its own folder. */
function zoneOf(path: string): string {
  const [, first = '', second] = path.split('/');
  if (first === 'providers' && /^provider(\.ts)?$/.test(second ?? '')) return 'contract';
  if (first === 'providers' && second === 'index.ts') return 'provider registry';
  if (first === 'providers' && /^profile(\.ts)?$/.test(second ?? '')) return 'profile';
  if (first === 'providers' && second === 'wechatpay') return 'family';
  return first.replace(/\.tsx?$/, '');
}
const PURE = ['core', 'crypto', 'providers', 'profile', 'contract', 'provider registry', 'formats', 'alarm'];
const VERBS = ['receive', 'deliver', 'ask', 'reconcile', 'payer'];
const DOORS = ['record', 'call-provider', 'prepare', 'answer', 'judge', 'log'];
const SHELL = ['core', 'crypto', 'provider registry', 'formats', 'alarm', 'store', 'env', ...DOORS];

/** from → zones it may import values of. Every zone may import itself; nobody imports the Worker's entry. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  crypto: ['core'],
  contract: ['core', 'crypto'],
  'provider registry': ['contract', 'providers'],
  providers: ['core', 'crypto', 'contract', 'profile', 'family'],
  // What two dialects of one platform share.
  family: ['core', 'crypto', 'contract'],
  // The engine of the dialects that are a channel's configuration.
  profile: ['core', 'crypto', 'contract'],
  formats: ['core', 'crypto'],
  // How an alarm is told, in words and in each platform's form.
  alarm: ['core', 'crypto'],
  // One line for each hop, by all who have one.
  log: ['core', 'env'],
  // How an answer to what we posted is read, shared by all who post.
  answer: ['core'],
  store: ['core'],
  env: [],
  // The one door to the ledgers, shared by all who are told something.
  record: ['core', 'log'],
  // The one door to providers' APIs, shared by all who ask them something and have the ledger hear the answer.
  'call-provider': ['core', 'crypto', 'provider registry', 'store', 'env', 'record', 'log'],
  // The one place where a delivery is made, shared by who sends it and who only shows it.
  prepare: ['core', 'crypto', 'provider registry', 'formats', 'store', 'env'],
  // What a callback comes to, shared by who takes it in and who rehearses it.
  judge: ['core', 'crypto'],
  receive: SHELL,
  deliver: SHELL,
  ask: SHELL,
  payer: SHELL,
  reconcile: SHELL,
  objects: SHELL,
  api: SHELL,
  // Pages show what /v1 answers, asked in process: the same code for people and for programs.
  console: [...SHELL, 'api'],
  index: [...VERBS, 'env', 'api', 'console', 'objects'],
  // Plays the outside world: shares our nouns, never our cryptography.
  sandbox: ['core'],
};
/** Single files that may do more than their folder, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // The isolate's copy of the registry lives with the rest of what is remembered, and opens what it remembers.
  'src/store/registry-copy.ts': ['crypto', 'provider registry'],
  // The snapshot of an event is fixed in the transaction that commits it.
  'src/store/ledger-book.ts': ['formats'],
  // A link of the evidence is made in the transaction that commits the fact.
  'src/store/ledger-events.ts': ['crypto'],
};
/** Types cross further: the contract's for all who hold a provider, a verb's or an object's for its callers. */
const MAY_IMPORT_TYPES = [...SHELL, 'contract', 'objects', 'api', ...VERBS];

const BANNED_IN_PURE: readonly (readonly [string, RegExp])[] = [
  ['fetch(', /(?<![\w.])fetch\(/g],
  ['Date.now', /\bDate\.now\b/g],
  ['new Date() without an argument', /\bnew Date\(\s*\)/g],
  ['Math.random', /\bMath\.random\b/g],
  ['randomUUID', /\brandomUUID\b/g],
  ['getRandomValues', /\bgetRandomValues\b/g],
];
/** Words of a provider's id that mean something else as well. */
const PLAIN_WORDS: ReadonlySet<string> = new Set(['standard', 'standard-webhooks', 'generic', 'square']);
const BANNED_WORDS = /(?:^|[/._-])(utils?|helpers?|common|manager|service|misc)(?=[/._-])/i;

/** One line for each match of a rule: `path:line rule`. */
const matches = (source: Source, rule: string, pattern: RegExp, text = source.code): string[] =>
  [...text.matchAll(pattern)].map((match) => `${source.path}:${lineOf(text, match.index)} ${rule}`);

describe('the import table', () => {
  it('knows every folder of src', () => {
    const unknown = src.filter(({ path }) => !(zoneOf(path) in MAY_IMPORT)).map(({ path }) => path);
    expect(unknown).toEqual([]);
  });

  it('lets nobody import what it does not allow', () => {
    const broken = src.flatMap((source) =>
      source.imports.flatMap(({ from, typeOnly }) => {
        const target = resolved(source, from);
        if (target === null || !target.startsWith('src/')) return [];
        const [zone, other] = [zoneOf(source.path), zoneOf(target)];
        const isPure = PURE.includes(zone) || zone === 'store';
        const types = typeOnly && !isPure ? MAY_IMPORT_TYPES : [];
        const may = [zone, ...(MAY_IMPORT[zone] ?? []), ...(EXCEPTIONS[source.path] ?? []), ...types];
        return may.includes(other) ? [] : [`${source.path} imports ${target}: ${zone} may not import ${other}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('keeps one dialect from importing another', () => {
    const dialect = (path: string) => /^src\/providers\/([^/.]+)/.exec(path)?.[1];
    const broken = src
      .filter(({ path }) => zoneOf(path) === 'providers')
      .flatMap((source) =>
        source.imports
          .map(({ from }) => resolved(source, from))
          .filter((to) => to !== null && zoneOf(to) === 'providers' && dialect(to) !== dialect(source.path))
          .map((to) => `${source.path} imports ${to}`),
      );
    expect(broken).toEqual([]);
  });

  it('keeps src apart from tests and tools', () => {
    const outside = (source: Source) =>
      source.imports
        .map(({ from }) => resolved(source, from))
        .filter((to) => to !== null && !to.startsWith('src/') && zoneOf(source.path) !== 'sandbox')
        .map((to) => `${source.path} imports ${to}`);
    expect(src.flatMap(outside)).toEqual([]);
  });

  it('finds no file in src that nothing reaches', () => {
    const byPath = new Map(written.map((source) => [source.path, source]));
    const reached = new Set<string>();
    const visit = (path: string) => {
      const source = byPath.get(path);
      if (!source || reached.has(path)) return;
      reached.add(path);
      for (const { from } of source.imports) visit(resolved(source, from) ?? '');
    };
    for (const path of ['src/index.ts', ...tools.map((tool) => tool.path)]) visit(path);
    expect(src.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe('pure folders', () => {
  const pure = src.filter(({ path }) => PURE.includes(zoneOf(path)));

  it('take time, randomness and the network as arguments', () => {
    expect(pure.flatMap((source) => BANNED_IN_PURE.flatMap(([rule, at]) => matches(source, rule, at)))).toEqual([]);
  });

  it('do not know the platform', () => {
    const broken = pure.filter(({ imports }) => imports.some(({ from }) => from.startsWith('cloudflare:')));
    expect(broken.map(({ path }) => path)).toEqual([]);
  });
});

describe('providers', () => {
  it('are registered, each in the file of its name', () => {
    const files = readdirSync('src/providers').filter((name) => /\.tsx?$/.test(name));
    const dialects = files.filter((name) => !['provider.ts', 'index.ts', 'profile.ts'].includes(name));
    expect([...PROVIDER_IDS].sort()).toEqual(dialects.map((name) => basename(name, '.ts')).sort());
  });

  it('are named nowhere else: the contract has a field for what the rest must know', () => {
    const words = PROVIDER_IDS.flatMap((id) => [id, ...id.split('-').slice(0, 1)]);
    const names = words.filter((word) => !PLAIN_WORDS.has(word)).map((word) => `\\b${word}`);
    const pattern = new RegExp(names.join('|'), 'gi');
    const broken = src
      .filter(({ path }) => !/^src\/(providers|sandbox)\//.test(path))
      .flatMap((source) => matches(source, 'names a provider', pattern, withoutComments(source)));
    expect(broken).toEqual([]);
  });
});

describe('every source', () => {
  it('opens with a comment that says what it is', () => {
    const broken = written.filter(({ text }) => !/^(?:#!.*\n)?\/[/*]/.test(text)).map(({ path }) => path);
    expect(broken).toEqual([]);
  });

  it('is at most 300 lines long', () => {
    const lines = ({ text }: Source) => text.trimEnd().split('\n').length;
    expect(written.filter((source) => lines(source) > 300).map((s) => `${s.path} has ${lines(s)} lines`)).toEqual([]);
  });

  it('has functions of at most 70 lines', () => {
    const broken = written.flatMap((source) =>
      functionsOf(source)
        .filter(({ lines }) => lines > 70)
        .map(({ name, line, lines }) => `${source.path}:${line} ${name} has ${lines} lines`),
    );
    expect(broken).toEqual([]);
  });

  it('has lines of at most 120 characters', () => {
    const broken = all.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, i) => ([...line].length > 120 ? [`${path}:${i + 1} has ${[...line].length}`] : [])),
    );
    expect(broken).toEqual([]);
  });

  it('calls out in few places, each of which follows no redirect, ends in time and reads within a bound', () => {
    const outside = src.filter(({ path }) => !path.startsWith('src/sandbox/') && path !== 'src/payer/behaviour.ts');
    const callers = outside.filter(({ code }) =>
      /(?<![\w.#])fetch\(|\b(?:caller|bound)\.fetch\(/.test(methodless(code)),
    );
    expect(callers.map(({ path }) => path).sort()).toEqual([
      'src/api/origin-check.ts',
      'src/api/reach.ts',
      'src/call-provider.ts',
      'src/console/access-keys.ts',
      'src/deliver/post.ts',
      'src/objects/bulletin-post.ts',
    ]);
    const LIMITS = [/redirect: 'manual'/, /\bsignal\b/, /readStart|readCapped|body\?\.cancel\(\)/];
    const broken = callers.filter(({ text }) => !LIMITS.every((limit) => limit.test(text)));
    expect(broken.map(({ path }) => path)).toEqual([]);
  });

  it('has a name that says what is in it', () => {
    expect(all.map(({ path }) => path).filter((path) => BANNED_WORDS.test(path))).toEqual([]);
  });

  it('never says any, and never claims with ! that something is there', () => {
    const broken = written.flatMap((source) => [
      ...matches(source, 'says any', /:\s*any\b|\bas\s+any\b|<any\b|\bany\[\]|,\s*any>/g),
      ...matches(source, 'claims with !', /[\w\])]!(?=[.,;:)\]\n[]|\s*$| [^=])/gm),
    ]);
    expect(broken).toEqual([]);
  });

  it('gives a reason on the line wherever it overrules the compiler', () => {
    const broken = written.flatMap((source) => {
      const lines = source.text.split('\n');
      return [...withoutImports(source).matchAll(/\bas\s+(?!const\b)(?=[\w{[(])/g)]
        .map((match) => lineOf(source.code, match.index))
        .filter((line) => !lines[line - 1]?.includes('//'))
        .map((line) => `${source.path}:${line} an \`as\` without a reason`);
    });
    expect(broken).toEqual([]);
  });
});

/** Without what only declares a fetch of its own. */
const methodless = (code: string): string => code.replace(/^\s*(?:readonly |async )?fetch\(.*\{$/gm, '');

describe('the repository', () => {
  const texts = ['.', 'docs', 'examples', 'migrations', 'src', 'test', 'tools', 'assets', '.ci']
    .flatMap((folder) => (folder === '.' ? readdirSync('.').filter((name) => /\.\w+$/.test(name)) : existing(folder)))
    .filter((path) =>
      /\.(ts|tsx|mjs|js|json|toml|sql|md|yml|html|css|py|php|java|go)$|^\.(npmrc|gitignore)$|^\.ci\//.test(path),
    )
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

  it('names no path of the machine it was written on', () => {
    const here = resolve('.');
    const homes = /(?:^|[\s'"`(=:])(?:\/home\/\w|\/Users\/\w|\/root\/)/m;
    const broken = texts.filter(({ text }) => (dirname(here) !== '/' && text.includes(here)) || homes.test(text));
    expect(broken.map(({ path }) => path)).toEqual([]);
  });

  it('names no package registry: every machine has its own', () => {
    const broken = texts.filter(({ path, text }) =>
      /package-lock\.json$|\.npmrc$/.test(path) ? /"resolved":|https?:\/\/\S*registry|^registry=/m.test(text) : false,
    );
    expect(broken.map(({ path }) => path)).toEqual([]);
  });

  it('locks every optional dependency, so that npm ci works on every system', () => {
    type Lock = { packages: Record<string, { optionalDependencies?: Record<string, string> }> };
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
        .map((name) => `${path} wants ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the scanner of these rules', () => {
  it.each([
    ["a('b // c') // d", "a('      ')     "],
    ['`x $' + '{y + `z`} w`', '`  $' + '{y + ` `}  `'],
    ['/[/"]/.test(s) / 2', '/    /.test(s) / 2'],
    ["/* ' */ 'a\\'b'", "        '    '"],
  ])('blanks what is no code in %s', (text, code) => {
    expect(blank(text)).toBe(code);
  });

  it('does not take a class for the function before it', () => {
    const text = 'function a(b: C): D | null {\n return e[f % 2] ?? null;\n}\n\nclass G {\n h() {\n }\n}';
    const spans = functionsOf({ path: '', text, code: blank(text), imports: [] });
    expect(spans.map(({ name, lines }) => `${name} ${lines}`)).toEqual(['a 3', 'h 2']);
  });

  it('measures functions, methods and arrows, and no control blocks', () => {
    const text =
      'function a(x: { y: 1 }): { z: 2 } {\n if (x) {\n }\n}\nconst b = (c) => {\n};\nclass D {\n #e() {\n }\n}';
    const spans = functionsOf({ path: '', text, code: blank(text), imports: [] });
    expect(spans.map(({ name, lines }) => `${name} ${lines}`)).toEqual(['a 4', 'b 2', '#e 2']);
  });
});

function existing(folder: string): string[] {
  try {
    return filesUnder(folder);
  } catch {
    return []; // a folder that is not there holds nothing to check
  }
}

/** Strings stay: a provider's name in one is what the rule is about. */
const withoutComments = ({ text }: Source): string =>
  text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));

const withoutImports = ({ code }: Source): string =>
  code.replace(/^[ \t]*(?:import|export)\b[^;'"`]*\bfrom\b|^export \{[^}]*\}/gm, (clause) =>
    clause.replace(/[^\n]/g, ' '),
  );
