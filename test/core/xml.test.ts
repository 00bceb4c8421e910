// XML: values as they were written, and every trick that XML parsers fall for refused before a parser sees it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XML_DEPTH_MAX, XML_ELEMENTS_MAX } from '../../src/core/limits.ts';
import { fieldsOf, parseXml, printXml, type XmlLimits, xmlSafe } from '../../src/core/xml.ts';

function problemOf(text: string, limits?: Partial<XmlLimits>): string {
  const parsed = parseXml(text, limits);
  return parsed.ok ? 'none' : parsed.error;
}

function fieldsIn(text: string): Record<string, string> {
  const parsed = parseXml(text);
  if (!parsed.ok) throw new Error(parsed.error);
  const fields = fieldsOf(parsed.value);
  if (!fields.ok) throw new Error(fields.error);
  return Object.fromEntries(fields.value);
}

describe('a document', () => {
  it('gives every value as it was written: spaces, zeros, CDATA and references', () => {
    const xml =
      '<xml>\n  <a><![CDATA[ 5 > 3 &amp; <b> ]]></a>\r\n<b> 1 &lt; 2 &amp;&#38;&#x4e2d;&quot;&apos;&gt; </b>' +
      '<c>0</c><d/><e></e><f><![CDATA[]]></f><g>007</g><h>1e3</h><i>true</i><j>x<![CDATA[y]]>z</j></xml>\n';
    expect(fieldsIn(xml)).toEqual({
      a: ' 5 > 3 &amp; <b> ',
      b: ' 1 < 2 &&中"\'> ',
      c: '0',
      d: '',
      e: '',
      f: '',
      g: '007',
      h: '1e3',
      i: 'true',
      j: 'xyz',
    });
  });

  it('may open with a declaration of UTF-8', () => {
    expect(fieldsIn('<?xml version="1.0" encoding="UTF-8"?>\n<xml><a>1</a></xml>')).toEqual({ a: '1' });
    expect(fieldsIn('<?xml version="1.0"?><xml><a>1</a></xml>')).toEqual({ a: '1' });
    expect(fieldsIn('\ufeff<?xml version="1.0"?><xml><a>1</a></xml>')).toEqual({ a: '1' });
    expect(problemOf('<?xml version="1.0" encoding="GBK"?><xml><a>1</a></xml>')).toMatch(/processing instruction/);
    expect(problemOf(' <?xml version="1.0"?><xml/>')).toMatch(/processing instruction/);
    expect(problemOf('<?xml version="1.0"?><?xml version="1.0"?><xml/>')).toMatch(/processing instruction/);
  });

  it('keeps its nesting', () => {
    expect(parseXml('<a><b><c>1</c></b><b>2</b></a>')).toEqual({
      ok: true,
      value: {
        name: 'a',
        text: '',
        children: [
          { name: 'b', text: '', children: [{ name: 'c', text: '1', children: [] }] },
          { name: 'b', text: '2', children: [] },
        ],
      },
    });
  });

  it('may hold in CDATA what is refused as markup', () => {
    const value = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><?php ?>&b;<!-- -->';
    expect(fieldsIn(`<xml><attach><![CDATA[${value}]]></attach></xml>`)).toEqual({ attach: value });
  });

  it('may name an element like a member of every object', () => {
    expect(fieldsIn('<xml><toString>1</toString><valueOf>2</valueOf></xml>')).toEqual({ toString: '1', valueOf: '2' });
  });
});

const DTD = /DTD/;
const MALFORMED = /not well-formed/;
const deep = (levels: number) => '<a>'.repeat(levels) + '</a>'.repeat(levels);

describe('a document is refused', () => {
  it.each<[string, string, RegExp]>([
    ['with a DTD', '<!DOCTYPE xml><xml/>', DTD],
    ['with a DTD in small letters', '<!doctype xml><xml/>', DTD],
    ['with a DTD behind a declaration', '<?xml version="1.0"?><!DOCTYPE r [<!ELEMENT r ANY>]><r/>', DTD],
    ['with an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]><a>&x;</a>', DTD],
    ['with a parameter entity', '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><a/>', DTD],
    ['with an entity bomb', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>', DTD],
    ['with a DTD inside the root', '<xml><!DOCTYPE a><b>1</b></xml>', DTD],
    ['with a DTD put together around CDATA', '<xml><!<![CDATA[]]>DOCTYPE a></xml>', DTD],
    ['with a comment', '<xml><!-- --><a>1</a></xml>', DTD],
    ['with a comment inside a value', '<xml><a>10<!-- -->00</a></xml>', DTD],
    ['with an open CDATA section', '<xml><a><![CDATA[1</a></xml>', DTD],
    ['with many open CDATA sections', `<xml>${'<![CDATA['.repeat(6_000)}</xml>`, DTD],
    ['with CDATA in small letters', '<xml><a><![cdata[1]]></a></xml>', DTD],
    ['with a processing instruction', '<?php echo 1 ?><xml/>', /processing/],
    ['with a style sheet', '<xml><?xml-stylesheet href="http://127.0.0.1/"?></xml>', /processing/],
    ['with an entity that nobody declared', '<xml><a>&x;</a></xml>', /entity/],
    ['with a web entity', '<xml><a>&nbsp;</a></xml>', /entity/],
    ['with a bare ampersand', '<xml><a>a & b</a></xml>', /entity/],
    ['with a reference to NUL', '<xml><a>&#0;</a></xml>', /no character/],
    ['with a reference to a control character', '<xml><a>&#x1b;</a></xml>', /no character/],
    ['with a reference to half a character', '<xml><a>&#xD800;</a></xml>', /no character/],
    ['with a reference past Unicode', '<xml><a>&#x110000;</a></xml>', /no character/],
    ['with NUL', '<xml><a>\0</a></xml>', /does not allow/],
    ['with a control character in CDATA', '<xml><a><![CDATA[\u0008]]></a></xml>', /does not allow/],
    ['with half a character', '<xml><a>\ud800</a></xml>', /does not allow/],
    ['as UTF-16 without a mark', '<\0x\0m\0l\0>\0', /does not allow/],
    ['with attributes', '<xml><a b="1">1</a></xml>', /attributes/],
    ['with a lone attribute name', '<xml><a b>1</a></xml>', MALFORMED],
    ['with equals signs for attributes', '<xml><a ==>1</a></xml>', /attributes/],
    ['with a namespace', '<xml xmlns="http://127.0.0.1/"><a>1</a></xml>', /attributes/],
    ['with an XInclude', '<xml><xi:include href="file:///etc/passwd"/></xml>', /attributes/],
    ['with text between elements', '<xml>1<a>1</a></xml>', /mixes/],
    ['with CDATA between elements', '<xml><a>1</a><![CDATA[1]]></xml>', /mixes/],
    ['with two roots', '<a/><b/>', /more than one root/],
    ['with text behind its end', '<xml/>1', /begin and end/],
    ['with text between two roots', '<xml/>1<xml/>', /more than one root/],
    ['with CDATA behind its end', '<xml/><![CDATA[]]>', /more than one root/],
    ['with a name that reaches into objects', '<xml><__proto__>1</__proto__></xml>', MALFORMED],
    ['with crossed ends', '<xml><a>1</b></xml>', MALFORMED],
    ['without its end', '<xml><a>1</a>', MALFORMED],
    ['with an odd name', '<xml><#text>1</#text></xml>', MALFORMED],
    ['without anything', '', /begin and end/],
    ['that is JSON', '{"a":1}', /begin and end/],
    ['nested too deeply', deep(XML_DEPTH_MAX + 1), /deeply|well-formed/],
    ['nested far too deeply', deep(500), /deeply|well-formed/],
    ['with too many elements', `<xml>${'<a/>'.repeat(2 * XML_ELEMENTS_MAX)}</xml>`, /more than/],
    ['that is too long', `<xml><a>${'x'.repeat(300_000)}</a></xml>`, /longer/],
  ])('%s', (_name, text, problem) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it('past the limits of its reader', () => {
    expect(problemOf('<a><b>1</b></a>', { depthMax: 2 })).toBe('none');
    expect(problemOf('<a><b><c>1</c></b></a>', { depthMax: 2 })).toMatch(/deeply/);
    expect(problemOf('<a><b/><c/><d/></a>', { elementsMax: 1 })).toMatch(/more than 1/);
    expect(problemOf(deep(XML_DEPTH_MAX))).toBe('none');
  });
});

describe('the fields of a flat element', () => {
  it.each([
    ['<xml><a>1</a><a>1</a></xml>', /twice/],
    ['<xml><a>1</a><a>2</a></xml>', /twice/],
    ['<xml><a/><a>2</a></xml>', /twice/],
    ['<xml><a><b>1</b></a></xml>', /further elements/],
  ])('are refused where they are not flat or not single: %s', (text, problem) => {
    const parsed = parseXml(text);
    const fields = parsed.ok ? fieldsOf(parsed.value) : parsed;
    expect(fields.ok ? '' : fields.error).toMatch(problem);
  });
});

describe('a printed document', () => {
  it('holds each value in CDATA, byte for byte', () => {
    expect(printXml('xml', { return_code: 'SUCCESS', return_msg: 'OK' })).toBe(
      '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>',
    );
  });

  it('is read back as it was, whatever the values', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(']]>', ']]]]>>', '<![CDATA[x]]>', '&amp;'));
    fc.assert(
      fc.property(fc.dictionary(name, value, { minKeys: 1 }), (fields) => {
        const safe = Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, xmlSafe(text)]));
        expect(fieldsIn(printXml('xml', safe))).toEqual(safe);
      }),
    );
  });

  it('is not made of characters that XML cannot carry', () => {
    expect(() => printXml('xml', { a: '\u0008' })).toThrow(/xmlSafe/);
    expect(xmlSafe('a\u0008b\r\nc\rd\ud800')).toBe('ab\nc\nd');
  });
});

it('never throws, whatever the text', () => {
  const markup = fc.constantFrom('<xml>', '</xml>', '<![CDATA[', ']]>', '<!', '<?', '&', ';', '&#', '<', '>', '"', 'a');
  const hostile = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(markup, fc.string({ maxLength: 3 }))).map((a) => a.join('')),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const parsed = parseXml(text);
      if (parsed.ok) fieldsOf(parsed.value);
    }),
    { numRuns: 2_000 },
  );
});
