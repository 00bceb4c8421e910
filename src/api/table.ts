// The one way in which /v1 gives a table for a spreadsheet, written page by page while it is read: as long as it may
// be, no more than a page of it is held. Decides no column.
import { csvLine } from '../core/csv.ts';
import { z } from './kit.ts';

export const Format = z.enum(['json', 'csv']).default('json').openapi({
  description: 'csv: all pages as one table; limit and cursor are not looked at.',
});

/** What a route answers that gives either. */
export const jsonOrCsv = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema }, 'text/csv': { schema: z.string() } },
});

/** The same, where there is the table alone. */
export const csvAlone = { description: 'The table.', content: { 'text/csv': { schema: z.string() } } };

/** Without it a spreadsheet takes Chinese for the letters of its own country. */
const BYTE_ORDER_MARK = '\uFEFF';

export type TablePage<Place> = { readonly lines: readonly (readonly unknown[])[]; readonly next: Place | null };

/** `name` without its ending. `read` is asked for each page, null for the first. UTF-8 with its mark, RFC 4180. */
export function tableOf<Place>(
  name: string,
  header: readonly string[],
  read: (place: Place | null) => Promise<TablePage<Place>>,
): Response {
  let place: Place | null = null;
  const text = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (writer) => writer.enqueue(text.encode(BYTE_ORDER_MARK + csvLine(header))),
    async pull(writer) {
      const page = await read(place);
      writer.enqueue(text.encode(page.lines.map(csvLine).join('')));
      place = page.next;
      if (place === null) writer.close();
    },
  });
  return new Response(body, {
    headers: { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': `attachment; filename="${name}.csv"` },
  });
}
