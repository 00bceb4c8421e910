// What pages are put together from: tables, times, amounts, badges, fields, notes. Each escapes what it is given.
import type { Child } from 'hono/jsx';
import { amountText } from '../core/language.ts';
import type { Money } from '../core/money.ts';
import type { Problem } from './call.ts';
import type { Visit } from './kit.ts';
import { wordFor } from './texts.ts';

/** In UTC; the script turns it into the reader's own zone. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  if (!at) return null;
  return <time datetime={at}>{`${at.slice(0, 10)} ${at.slice(11, 19)} UTC`}</time>;
}

/** Currencies that the reader's language does not know are written as they are. */
export const moneyText = ({ language }: Pick<Visit, 'language'>, amount: Money | null | undefined): string =>
  amount ? amountText(amount, language === 'zh' ? 'zh-CN' : 'en') : '';

export type Tone = 'good' | 'warn' | 'bad' | 'plain';
const TONES: Readonly<Record<string, Tone>> = {
  paid: 'good',
  delivered: 'good',
  accepted: 'good',
  succeeded: 'good',
  active: 'good',
  won: 'good',
  parked: 'warn',
  held: 'warn',
  paused: 'warn',
  open: 'warn',
  needs_attention: 'bad',
  dead: 'bad',
  failed: 'bad',
  rejected: 'bad',
  disabled: 'bad',
  lost: 'bad',
};

type BadgeProps = { readonly visit: Visit; readonly family: string; readonly code: string; readonly tone?: Tone };
export const Badge = ({ visit, family, code, tone }: BadgeProps) => (
  <span class={`badge ${tone ?? TONES[code] ?? 'plain'}`}>{wordFor(visit.say, family, code)}</span>
);

export type Column<Row> = {
  readonly head: string;
  readonly cell: (row: Row) => Child;
  readonly isNumber?: boolean;
};
type TableProps<Row> = {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly empty: string;
};

/** The first column says what its row is about. On a phone each row is a card. */
export function Table<Row>({ caption, columns, rows, empty }: TableProps<Row>) {
  if (rows.length === 0) {
    return (
      <>
        <p>
          <strong>{caption}</strong>
        </p>
        <p class="soft">{empty}</p>
      </>
    );
  }
  const [first, ...rest] = columns;
  return (
    <table class="list">
      <caption>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ head, isNumber }) => (
            <th scope="col" class={isNumber ? 'num' : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row">{first?.cell(row)}</th>
            {rest.map(({ head, cell, isNumber }) => (
              <td data-head={head} class={isNumber ? 'num' : undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Entry = readonly [term: string, value: Child];
/** Terms without a value are left out. */
export const Facts = ({ entries }: { readonly entries: readonly Entry[] }) => (
  <dl>
    {entries
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([term, value]) => (
        <>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </>
      ))}
  </dl>
);

type CardProps = { readonly title: string; readonly id: string; readonly children?: Child };
export const Card = ({ title, id, children }: CardProps) => (
  <section class="card" aria-labelledby={id}>
    <h2 id={id}>{title}</h2>
    {children}
  </section>
);

type NoteProps = { readonly tone: Tone; readonly role?: 'status' | 'alert'; readonly children?: Child };
export const Note = ({ tone, role, children }: NoteProps) => (
  <div class={`note ${tone}`} role={role}>
    {children}
  </div>
);

/** What went wrong, what to do next, and the API's own sentence about it. */
export function ProblemNote({ visit, problem }: { readonly visit: Visit; readonly problem: Problem }) {
  const { say } = visit;
  return (
    <Note tone="bad" role="alert">
      <p>
        <strong>{wordFor(say, 'problem', problem.code)}</strong>
      </p>
      <p class="small">
        {`${say('word.told')} · ${problem.code} · `}
        <span lang="en">{problem.detail}</span>
      </p>
      {(problem.errors ?? []).map(({ field, message }) => (
        <p class="small" lang="en">
          <code>{field}</code>
          {` ${message}`}
        </p>
      ))}
    </Note>
  );
}

type CopyProps = { readonly visit: Visit; readonly id: string; readonly text: string };
/** The button shows itself where a script can copy. */
export const Copy = ({ visit, id, text }: CopyProps) => (
  <div class="copy">
    <code id={id}>{text}</code>
    <button class="plain" type="button" hidden data-from={id} data-copied={visit.say('form.copied')}>
      {visit.say('form.copy')}
    </button>
  </div>
);

type PagerProps = { readonly visit: Visit; readonly first: string | null; readonly next: string | null };
export function Pager({ visit, first, next }: PagerProps) {
  if (first === null && next === null) return null;
  return (
    <nav aria-label={visit.say('list.pages')}>
      <ul class="acts">
        {first === null ? null : (
          <li>
            <a class="act" href={first}>
              {visit.say('list.newer')}
            </a>
          </li>
        )}
        {next === null ? null : (
          <li>
            <a class="act" href={next} rel="next">
              {visit.say('list.older')}
            </a>
          </li>
        )}
      </ul>
    </nav>
  );
}
