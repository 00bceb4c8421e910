// Charts and tables that a script may bring up to date: the numbers are in the page as a table, the picture is drawn
// from the same. Whole without a script. Decides nothing.
import type { Guest } from './kit.ts';

/** A text, a time in the reader's own zone, or a link. */
export type Cell = string | { readonly at: string } | { readonly href: string; readonly text: string };
export type Rows = readonly (readonly Cell[])[];

export type Series = {
  readonly name: string;
  /** Which of the page's colours. */
  readonly tone: 'link' | 'good' | 'warn' | 'bad' | 'soft';
  /** Null where there is nothing to tell: the line breaks. */
  readonly values: readonly (number | null)[];
};

export type ChartData = {
  readonly id: string;
  readonly title: string;
  /** How numbers are written along the picture's side. */
  readonly unit: 'count' | 'ms' | 'percent' | 'bars';
  /** The steps are days, which have no zone: their beginnings in UTC stand for them. */
  readonly isDays: boolean;
  /** Epoch seconds. */
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly heads: readonly string[];
  /** The newest first. */
  readonly rows: Rows;
};

/** What the script draws; the rest of the chart is in the page. */
export const pointsOf = ({ x, series, unit, isDays }: ChartData): string => JSON.stringify({ x, series, unit, isDays });

type TableProps = { readonly id: string; readonly heads: readonly string[]; readonly rows: Rows };
/** Its rows are replaced by the script, by its id. */
export const LiveTable = ({ id, heads, rows, caption }: TableProps & { readonly caption: string }) => (
  <table class="list">
    <caption>{caption}</caption>
    <thead>
      <tr>
        {heads.map((head) => (
          <th scope="col">{head}</th>
        ))}
      </tr>
    </thead>
    <tbody data-rows={id} data-heads={JSON.stringify(heads)}>
      {rows.map(([first = '', ...rest]) => (
        <tr>
          <th scope="row">
            <CellText cell={first} />
          </th>
          {rest.map((cell, index) => (
            <td data-head={heads[index + 1]}>
              <CellText cell={cell} />
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);

function CellText({ cell }: { readonly cell: Cell }) {
  if (typeof cell === 'string') return <>{cell}</>;
  if ('href' in cell) return <a href={cell.href}>{cell.text}</a>;
  return <time datetime={cell.at}>{`${cell.at.slice(0, 10)} ${cell.at.slice(11, 16)} UTC`}</time>;
}

/** Open without a script; a script that can draw closes the table. */
export function Chart({ guest, chart }: { readonly guest: Guest; readonly chart: ChartData }) {
  const { say } = guest;
  const { id, title, series, heads, rows } = chart;
  return (
    <figure class="chart" aria-labelledby={`${id}-title`}>
      <figcaption id={`${id}-title`}>{title}</figcaption>
      <div
        class="plot"
        role="img"
        aria-label={say('chart.about', { title })}
        data-chart={id}
        data-points={pointsOf(chart)}
      />
      <ul class="legend" aria-hidden="true">
        {series.map(({ name, tone }, index) => (
          <li class={`line-${tone} dash-${index}`}>{name}</li>
        ))}
      </ul>
      <details open data-table={id}>
        <summary>{say('chart.table')}</summary>
        <section class="scroll" tabindex={0} aria-label={title}>
          <LiveTable id={id} caption={title} heads={heads} rows={rows} />
        </section>
      </details>
    </figure>
  );
}
