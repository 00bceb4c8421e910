// The `cloudevents` format, version 1: CloudEvents 1.0 over HTTP, structured or binary. Pure.
// https://github.com/cloudevents/spec: spec, JSON format, HTTP binding, extensions sequence and partitioning (2026-11)
import { z } from 'zod';
import { ok } from '../core/result.ts';
import { type CommittedEvent, format, iso, missingHeaderSecret, readData, said, webhookHeaders } from './format.ts';

const Options = z.strictObject({
  mode: z
    .enum(['structured', 'binary'], 'mode is structured or binary.')
    .default('structured')
    .meta(
      said(
        { en: 'Content mode', zh: '传输模式' },
        {
          en: 'structured: attributes and data in one JSON body. binary: attributes in ce- headers, data is the body.',
          zh: 'structured：属性与数据同在 JSON 报文中。binary：属性在 ce- 请求头中，报文仅为数据。',
        },
      ),
    ),
  source: z
    .string()
    .max(200)
    .regex(/^(?:https?:\/\/[\x21-\x7e]+|urn:[\x21-\x7e]+|)$/, 'source must be an https address, a urn: or empty.')
    .default('')
    .meta(
      said(
        { en: 'Source', zh: '事件来源' },
        {
          en: 'Stands before /channels/…/orders/… in `source`, such as https://pay.example.com.',
          zh: '作为 source 属性中 /channels/…/orders/… 的前缀，例如 https://pay.example.com。',
        },
      ),
    ),
  typePrefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){0,8}$/, 'typePrefix must be dotted words and end in a dot.')
    .default('tollgate.')
    .meta(
      said(
        { en: 'Prefix of types', zh: '类型前缀' },
        {
          en: 'Stands before the event’s type; the specification recommends your domain in reverse, com.example.',
          zh: '加在事件类型之前；规范建议使用倒序域名，如 com.example.。',
        },
      ),
    ),
});
type Options = z.output<typeof Options>;

/** Compared as text by receivers (sequence extension): as many digits as no order's events will ever need. */
const SEQUENCE_DIGITS = 10;

/** The source is one order, so that `sequence` counts within its source as the extension asks. */
function attributesOf(event: CommittedEvent, { source, typePrefix }: Options): Record<string, string> {
  const { channel, sequence, order } = readData(event);
  return {
    specversion: '1.0',
    id: event.id,
    source: `${source.replace(/\/$/, '')}/channels/${encodeURIComponent(channel)}/orders/${uriPart(order.orderNo)}`,
    type: typePrefix + event.type,
    subject: order.orderNo,
    time: iso(event.occurredAt),
    datacontenttype: 'application/json',
    sequence: String(sequence).padStart(SEQUENCE_DIGITS, '0'),
    partitionkey: `${channel}/${order.orderNo}`,
  };
}

const uriPart = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Space, quote, percent and all beyond printable ASCII are percent-encoded UTF-8 (HTTP binding 3.1.3.2). */
const headerText = (text: string): string =>
  text.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) => {
    const bytes = new TextEncoder().encode(character);
    return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });

export const cloudevents = format<Options>({
  name: 'cloudevents',
  version: 1,
  label: { en: 'CloudEvents 1.0', zh: 'CloudEvents 1.0' },
  help: {
    en: 'For event meshes and brokers. Signed in its headers like the standard format.',
    zh: '用于事件网格与消息中间件。签名与标准格式相同，在请求头中。',
  },
  options: Options,
  wantsCallback: false,
  render: async (input, options) => {
    const missing = missingHeaderSecret(input.secrets);
    if (missing !== null) return missing;
    const attributes = attributesOf(input.event, options);
    if (options.mode === 'binary') {
      const { datacontenttype = null, ...others } = attributes;
      const own = Object.entries(others).map(([name, value]) => [`ce-${name}`, headerText(value)]);
      const body = input.event.data;
      const headers = { ...(await webhookHeaders(input, body)), ...Object.fromEntries(own) };
      return ok({ contentType: datacontenttype, headers, body, answersAs: 'origin' as const });
    }
    // The snapshot goes in as it was committed: parsing and printing it again could change its bytes.
    const body = `${JSON.stringify(attributes).slice(0, -1)},"data":${input.event.data}}`;
    const contentType = 'application/cloudevents+json; charset=UTF-8';
    return ok({ contentType, headers: await webhookHeaders(input, body), body, answersAs: 'origin' as const });
  },
});
