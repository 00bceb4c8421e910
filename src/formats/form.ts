// The `form` format, version 1: flat fields as an HTML form posts them, signed by the house's rule. Pure.
import { z } from 'zod';
import { ok } from '../core/result.ts';
import { type FlatOptions, flatFields, flatShape, nameComplaints } from './flat.ts';
import { format, webhookHeaders } from './format.ts';
import type { Field } from './house-signature.ts';

const Options = z.strictObject(flatShape).superRefine((options, context) => {
  for (const complaint of nameComplaints(options)) context.addIssue({ code: 'custom', ...complaint });
});

export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** As browsers write it: UTF-8, `+` for a space. */
export const writeForm = (fields: readonly Field[]): string =>
  new URLSearchParams(fields.map(([name, value]) => [name, value])).toString();

export const form = format<FlatOptions>({
  name: 'form',
  version: 1,
  label: { en: 'Form fields', zh: '表单字段' },
  help: {
    en: 'application/x-www-form-urlencoded with flat names, signed in a field. For PHP, ASP and JSP of any age.',
    zh: 'application/x-www-form-urlencoded，平铺字段，签名在字段中。适用于各种 PHP、ASP、JSP 后端。',
  },
  options: Options,
  wantsCallback: false,
  render: async (input, options) => {
    const fields = await flatFields(input, options, (text) => text.toWellFormed());
    if (!fields.ok) return fields;
    const body = writeForm(fields.value);
    return ok({
      contentType: FORM_TYPE,
      headers: await webhookHeaders(input, body),
      body,
      answersAs: 'origin' as const,
    });
  },
});
