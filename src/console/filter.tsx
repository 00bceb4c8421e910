// The filter above a list: what was chosen lives in the address, so that a list can be kept, shared, and taken along
// as a table.
import { fetchApi } from './call.ts';
import { Input, Select } from './fields.tsx';
import { type Context, to, type Visit, withQuery } from './kit.ts';
import { Note } from './parts.tsx';
import { adviceFor } from './texts.ts';

export type FilterField = {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  /** Left out: it is written, not chosen. */
  readonly choices?: readonly { readonly value: string; readonly text: string }[];
  /** What leaving it open means; left out: all of them. */
  readonly all?: string;
  readonly type?: 'text' | 'date' | 'datetime-local';
};
type FilterProps = {
  readonly visit: Visit;
  readonly action: string;
  readonly fields: readonly FilterField[];
  readonly wrong?: Wrong | undefined;
};
export type Wrong = { readonly field: string; readonly message: string };

/** What is wrong, in the reader's words where the field has some; else in those of /v1. */
export const wrongText = ({ say }: Visit, { field, message }: Wrong): string =>
  adviceFor(say, 'wrong', field) ?? message;

type StrayProps = { readonly visit: Visit; readonly names: readonly string[]; readonly wrong: Wrong | undefined };
/** What is wrong with a part of the address that no field is for, such as the place in the list. */
export const Stray = ({ visit, names, wrong }: StrayProps) =>
  wrong === undefined || names.includes(wrong.field) ? null : (
    <Note tone="bad" role="alert">
      <p>{wrongText(visit, wrong)}</p>
    </Note>
  );

export const Filter = ({ visit, action, fields, wrong }: FilterProps) => (
  <form class="card" method="get" action={action} aria-label={visit.say('list.filter')}>
    <Stray visit={visit} names={fields.map(({ name }) => name)} wrong={wrong} />
    <div class="filter">
      {fields.map(({ choices, all, type = 'text', ...field }) => {
        const common = {
          visit,
          ...field,
          isFilter: true,
          wrong: wrong?.field === field.name ? wrongText(visit, wrong) : undefined,
        };
        if (choices === undefined) return <Input {...common} type={type} isUtc={type === 'datetime-local'} />;
        return <Select {...common} choices={[{ value: '', text: all ?? visit.say('list.all') }, ...choices]} />;
      })}
      <FilterButtons visit={visit} action={action} />
    </div>
  </form>
);

export const FilterButtons = ({ visit, action }: { readonly visit: Visit; readonly action: string }) => (
  <div class="field acts">
    <button class="main" type="submit">
      {visit.say('list.apply')}
    </button>
    <a class="act" href={action}>
      {visit.say('list.clear')}
    </a>
  </div>
);

/** Why a list is empty: it is not looked through yet, the filter lets nothing in, or there is nothing. */
export function emptyOf(asked: Readonly<Record<string, string>>, next: string | null) {
  if (next !== null) return 'list.goOn';
  return Object.values(asked).some((value) => value !== '') ? 'list.unfound' : 'list.none';
}

/** What the address says of these, without the spaces that a paste brings. */
export const askedIn = <Name extends string>(c: Context, ...names: readonly Name[]): Record<Name, string> =>
  Object.fromEntries(names.map((name) => [name, (c.req.query(name) ?? '').trim()])) as Record<Name, string>; // each

/** A time as a form writes it, in UTC, as /v1 takes it; anything else as it is, for /v1 to say what is wrong. */
export const timeOf = (text: string): string => (/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? `${text}:00Z` : text);

type TableLinkProps = {
  readonly visit: Visit;
  readonly page: string;
  readonly asked: Readonly<Record<string, string>>;
};
/** Leads to the same list as a table. */
export const TableLink = ({ visit, page, asked }: TableLinkProps) => (
  <p>
    <a href={withQuery(to(`${page}.csv`), asked)} download>
      {visit.say('list.csv')}
    </a>
  </p>
);

/** A table of /v1, passed on while it comes. What /v1 refuses leads back to the page, which says why. */
export async function passOn(c: Context, path: string, back: string): Promise<Response> {
  const reply = await fetchApi(c, 'GET', path);
  if (!reply.ok) return c.redirect(back, 303);
  const name = reply.headers.get('content-disposition') ?? 'attachment';
  return new Response(reply.body, {
    headers: { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': name },
  });
}

/** The whole list of a page as a table. */
export const tableFor = (
  c: Context,
  page: string,
  asked: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string>> = asked,
): Promise<Response> => passOn(c, withQuery(`/v1/${page}`, { ...query, format: 'csv' }), withQuery(to(page), asked));
