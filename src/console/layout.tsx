// The frame around every page: head, skip link, navigation, language and theme. Shows no data of its own.
import type { Child } from 'hono/jsx';
import { LOCALES } from '../core/language.ts';
import { type Guest, may, to, type Visit } from './kit.ts';
import type { Key } from './texts.ts';

export type Section =
  | 'why'
  | 'overview'
  | 'orders'
  | 'deliveries'
  | 'callbacks'
  | 'alarms'
  | 'reports'
  | 'channels'
  | 'reconciliations'
  | 'origins'
  | 'audit'
  | 'keys'
  | 'access';

type Opening = 'read' | 'orders' | 'operate' | 'admin';
const SECTIONS: readonly {
  readonly id: Section;
  readonly path: string;
  readonly scope: Opening;
}[] = [
  { id: 'overview', path: '/console', scope: 'read' },
  { id: 'orders', path: '/console/orders', scope: 'orders' },
  { id: 'deliveries', path: '/console/deliveries', scope: 'read' },
  { id: 'callbacks', path: '/console/callbacks', scope: 'read' },
  { id: 'alarms', path: '/console/alarms', scope: 'read' },
  { id: 'why', path: '/console/why', scope: 'read' },
  { id: 'reports', path: '/console/reports', scope: 'read' },
  { id: 'reconciliations', path: '/console/reconciliations', scope: 'read' },
  { id: 'channels', path: '/console/channels', scope: 'read' },
  { id: 'origins', path: '/console/origins', scope: 'read' },
  { id: 'audit', path: '/console/audit', scope: 'operate' },
  { id: 'keys', path: '/console/keys', scope: 'admin' },
  { id: 'access', path: '/console/access', scope: 'admin' },
];

const mayOpen = (guest: Guest, scope: Opening): boolean =>
  scope === 'orders' ? may(guest, 'read', 'orders') : may(guest, scope);

type FrameProps = {
  readonly visit: Visit | Guest;
  /** Of style sheets and scripts. */
  readonly paths: readonly string[];
  readonly title: string;
  readonly section?: Section | undefined;
  /** Loads this address at once: for who came from another site, where the browser kept the session back. */
  readonly forward?: string | undefined;
  readonly children?: Child;
};

export function Frame({ visit, paths, title, section, forward, children }: FrameProps) {
  const { say } = visit;
  return (
    <html lang={LOCALES[visit.language]} data-theme={visit.theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        {forward === undefined ? null : <meta http-equiv="refresh" content={`0;url=${forward}`} />}
        <title>{`${title} · ${say('product')}`}</title>
        {paths.map((path) =>
          path.endsWith('.css') ? <link rel="stylesheet" href={path} /> : <script src={path} defer></script>,
        )}
      </head>
      <body>
        <a class="skip" href="#content">
          {say('frame.skip')}
        </a>
        <header class="top">
          <a class="brand" href="/console">
            {say('product')}
          </a>
          {'me' in visit ? <Navigation guest={visit} section={section} /> : null}
        </header>
        <main id="content" tabindex={-1}>
          <h1>{title}</h1>
          {children}
        </main>
        <footer>
          <Preferences visit={visit} />
          <p class="soft small">
            {`${say('frame.zone')} `}
            <span data-zone>{say('frame.utc')}</span>
          </p>
        </footer>
      </body>
    </html>
  );
}

function Navigation({ guest, section }: { readonly guest: Guest; readonly section: Section | undefined }) {
  const { say, me, token } = guest;
  return (
    <>
      <nav aria-label={say('frame.nav')}>
        <ul>
          {SECTIONS.filter(({ scope }) => mayOpen(guest, scope)).map(({ id, path }) => (
            <li>
              <a href={path} aria-current={id === section ? 'page' : undefined}>
                {say(`nav.${id}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <form class="me" method="post" action={to('logout')}>
        <Token token={token} />
        <a class="small break" href={to('me')}>
          {say('frame.as', { id: me.id })}
        </a>
        <button class="plain" type="submit">
          {say('frame.logout')}
        </button>
      </form>
    </>
  );
}

const LANGUAGES = [
  { language: 'zh', lang: 'zh-CN' },
  { language: 'en', lang: 'en' },
] as const;
const THEMES = ['system', 'light', 'dark'] as const;

function Preferences({ visit }: { readonly visit: Visit }) {
  const { say, token, here, language: spoken, theme: worn } = visit;
  return (
    <form method="post" action={to('preferences')} aria-label={say('frame.settings')}>
      <Token token={token} />
      <input type="hidden" name="next" value={here} />
      {LANGUAGES.map(({ language, lang }) => (
        <button
          class="plain"
          type="submit"
          name="language"
          value={language}
          lang={lang}
          aria-pressed={language === spoken ? 'true' : 'false'}
        >
          {say(`frame.language.${language}` satisfies Key)}
        </button>
      ))}
      {THEMES.map((theme) => (
        <button class="plain" type="submit" name="theme" value={theme} aria-pressed={theme === worn ? 'true' : 'false'}>
          {say(`frame.theme.${theme}` satisfies Key)}
        </button>
      ))}
    </form>
  );
}

/** What every form repeats, so that only our own pages can send one. */
export const Token = ({ token }: { readonly token: string }) => <input type="hidden" name="token" value={token} />;
