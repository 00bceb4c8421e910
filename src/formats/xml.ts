// The `xml` format, version 1: flat fields as elements under one root, signed by the house's rule. Pure.
import { z } from 'zod';
import { ok } from '../core/result.ts';
import { flatFields, flatShape, nameComplaints } from './flat.ts';
import { format, said, webhookHeaders } from './format.ts';
import { FieldName } from './house-signature.ts';
import { cleanXml, writeXml } from './xml-text.ts';

export const xmlShape = {
  root: FieldName.default('xml').meta(
    said({ en: 'Root element', zh: '根元素' }, { en: 'The element around all others.', zh: '包含所有字段的元素。' }),
  ),
  cdata: z
    .boolean()
    .default(true)
    .meta(
      said(
        { en: 'CDATA', zh: '使用 CDATA' },
        { en: 'Values in CDATA sections; otherwise they are escaped.', zh: '值放在 CDATA 中；否则使用转义。' },
      ),
    ),
  declaration: z
    .boolean()
    .default(true)
    .meta(
      said(
        { en: 'Declaration', zh: 'XML 声明' },
        {
          en: 'Begins with <?xml version="1.0" encoding="UTF-8"?>.',
          zh: '以 <?xml version="1.0" encoding="UTF-8"?> 开头。',
        },
      ),
    ),
  contentType: z
    .enum(['text/xml', 'application/xml'], 'contentType is text/xml or application/xml.')
    .default('text/xml')
    .meta(
      said(
        { en: 'Content-Type', zh: 'Content-Type' },
        { en: 'What the header says; charset=utf-8 is added.', zh: '请求头的取值，会附加 charset=utf-8。' },
      ),
    ),
};

const Options = z.strictObject({ ...flatShape, ...xmlShape }).superRefine((options, context) => {
  for (const complaint of nameComplaints(options)) context.addIssue({ code: 'custom', ...complaint });
});

export const xml = format<z.output<typeof Options>>({
  name: 'xml',
  version: 1,
  label: { en: 'XML', zh: 'XML' },
  help: {
    en: 'Flat elements under one root, signed in an element, as Chinese payment platforms have long sent them.',
    zh: '单一根元素下的平铺元素，签名在元素中，与国内支付平台的传统报文一致。',
  },
  options: Options,
  wantsCallback: false,
  render: async (input, options) => {
    const fields = await flatFields(input, options, cleanXml);
    if (!fields.ok) return fields;
    const body = writeXml(
      { name: options.root, content: fields.value.map(([name, content]) => ({ name, content })) },
      options,
    );
    const contentType = `${options.contentType}; charset=utf-8`;
    return ok({ contentType, headers: await webhookHeaders(input, body), body, answersAs: 'origin' as const });
  },
});
