// What a merchant says in the `mapped` format: which values, under which names, in which form. Schema and labels only;
// names and paths are plain words, never code.
import { z } from 'zod';
import { said } from './format.ts';
import { FieldName, Signature } from './house-signature.ts';
import { TIME_FORMS, UTC_OFFSET_MINUTES_MAX } from './written.ts';
import { xmlShape } from './xml.ts';

const FIELDS_MAX = 200;
const DEPTH_MAX = 8;
const WORDS_MAX = 200;
const CONSTANT_CHARS_MAX = 2_000;

/** Data, as every receiver's language can hold it. */
const Constant = z.union([z.string().max(CONSTANT_CHARS_MAX), z.int(), z.boolean(), z.null()]);
const NAME_FORM = /^[A-Za-z_][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_-]{0,63}){0,7}$/;
const Name = z
  .string()
  .regex(NAME_FORM, `must be words of letters, digits, _ and -, at most ${DEPTH_MAX} of them joined by dots.`)
  .refine((name) => !name.split('.').some((word) => word === '__proto__'), '__proto__ is no name.');
/** Below `type`, `timestamp`, `sentAt` and `data`; a number is a place in a list, -1 the last. */
const From = z
  .string()
  .regex(
    /^(?:id|type|timestamp|sentAt|data(?:\.(?:[A-Za-z_][A-Za-z0-9_-]{0,127}|\d{1,4}|-1)){0,12})$/,
    'must be id, type, timestamp, sentAt data or a dotted path below it, such as data.order.payments.0.transactionId.',
  );

export const WRITINGS = ['text', 'number', 'boolean', 'minor', 'decimal', 'currency', 'json', ...TIME_FORMS] as const;
export type Writing = (typeof WRITINGS)[number];

const MappedField = z
  .strictObject({
    name: Name.meta(
      said({ en: 'Name', zh: '名称' }, { en: 'Dots nest it in JSON and XML.', zh: '在 JSON 与 XML 中用点号嵌套。' }),
    ),
    from: From.optional().meta(
      said(
        { en: 'From', zh: '来源' },
        { en: 'Where the value stands, such as data.order.orderNo.', zh: '取值位置，如 data.order.orderNo。' },
      ),
    ),
    constant: Constant.optional().meta(
      said({ en: 'Constant', zh: '常量' }, { en: 'The value itself.', zh: '固定的值。' }),
    ),
    words: z
      .record(z.string().max(200), Constant)
      .refine((words) => Object.keys(words).length <= WORDS_MAX, `holds more than ${WORDS_MAX} words: leave some out.`)
      .optional()
      .meta(
        said(
          { en: 'Value map', zh: '值映射' },
          { en: 'Replaces a value by another: {"paid": "1"}.', zh: '将一个值替换为另一个：{"paid": "1"}。' },
        ),
      ),
    otherwise: Constant.optional().meta(
      said(
        { en: 'Otherwise', zh: '默认值' },
        {
          en: 'For values that the map does not hold, and for none. Left out: such values stay as they are.',
          zh: '值映射中没有的值或空值使用此项；留空则保持原值。',
        },
      ),
    ),
    as: z
      .enum(WRITINGS, `as is one of ${WRITINGS.join(', ')}.`)
      .optional()
      .meta(
        said(
          { en: 'Written as', zh: '写法' },
          {
            en: 'minor, decimal, currency of an amount; a form of a time; text, number, boolean, json. Else as it is.',
            zh: '金额的 minor、decimal、currency；时间格式；text、number、boolean、json。留空则保持原样。',
          },
        ),
      ),
  })
  .superRefine(({ from, constant, words, as }, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if ((from === undefined) === (constant === undefined)) complain('from', 'give either from or constant.');
    if (constant !== undefined && (words !== undefined || as !== undefined)) {
      complain('constant', 'is sent as it is: leave words and as out.');
    }
  });
export type MappedField = z.output<typeof MappedField>;

const shape = {
  body: z
    .enum(['json', 'form', 'xml'], 'body is json, form or xml.')
    .default('json')
    .meta(said({ en: 'Body', zh: '报文格式' }, { en: 'What the fields are put into.', zh: '字段写入的报文格式。' })),
  fields: z
    .array(MappedField)
    .min(1, 'fields is empty: say what is sent.')
    .max(FIELDS_MAX)
    .meta(said({ en: 'Fields', zh: '字段' }, { en: 'In the order they are written.', zh: '按书写顺序输出。' })),
  empty: z
    .enum(['skip', 'keep'], 'empty is skip or keep.')
    .default('skip')
    .meta(
      said(
        { en: 'Values that are not there', zh: '空值' },
        {
          en: 'skip: left out. keep: null in JSON, empty elsewhere.',
          zh: 'skip：不发送。keep：JSON 为 null，其他为空。',
        },
      ),
    ),
  utcOffsetMinutes: z
    .int()
    .min(-UTC_OFFSET_MINUTES_MAX)
    .max(UTC_OFFSET_MINUTES_MAX)
    .default(0)
    .meta(
      said(
        { en: 'Clock of times', zh: '时区偏移（分钟）' },
        { en: 'Minutes ahead of UTC; 480 is Beijing.', zh: '相对 UTC 的分钟数；北京时间为 480。' },
      ),
    ),
  xml: z
    .strictObject(xmlShape)
    .prefault({})
    .meta(said({ en: 'XML', zh: 'XML' }, { en: 'Only where body is xml.', zh: '仅在 body 为 xml 时使用。' })),
  signature: Signature.nullable()
    .default(null)
    .meta(
      said(
        { en: 'Signature in the body', zh: '报文内签名' },
        {
          en: 'As for the formats form and xml, over flat names. null: the headers alone are signed.',
          zh: '与 form、xml 格式相同，仅限平铺名称。null 表示仅请求头签名。',
        },
      ),
    ),
};

export const MappedOptions = z.strictObject(shape).superRefine(({ body, fields, signature }, context) => {
  const complain = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const own = fields.map(({ name }) => name);
  const signing =
    signature === null ? [] : [signature.field, ...(signature.algorithmField ? [signature.algorithmField] : [])];
  const names = [...own, ...signing];
  for (const [index, name] of own.entries()) {
    const clash = names.some((other, at) => at !== index && (other === name || other.startsWith(`${name}.`)));
    if (clash) complain(['fields', index, 'name'], `${name} is another field’s name too, or the beginning of one.`);
    const mustBeFlat = body === 'form' || signature !== null;
    if (mustBeFlat && !FieldName.safeParse(name).success) {
      complain(['fields', index, 'name'], `${name} is nested: a form has flat names, and so has what is signed.`);
    }
  }
  if (signature?.field === signature?.algorithmField && signature !== null) {
    complain(['signature', 'field'], 'field and algorithmField must differ.');
  }
  if (signature !== null && body === 'json') {
    complain(['signature'], 'is for form and xml: JSON is signed in its headers.');
  }
});
export type MappedOptions = z.output<typeof MappedOptions>;
