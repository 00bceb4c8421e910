// A request as an origin would get it, folded. Text alone: secrets are masked by /v1.
import type { z } from 'zod';
import type { PreviewBody } from '../api/origin-preview.ts';

type Props = {
  readonly title: string;
  readonly request: Pick<z.infer<typeof PreviewBody>, 'method' | 'url' | 'headers' | 'body'>;
};

export const Request = ({ title, request: { method, url, headers, body } }: Props) => (
  <details>
    <summary>{title}</summary>
    <pre>
      {[`${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', body].join(
        '\n',
      )}
    </pre>
  </details>
);
