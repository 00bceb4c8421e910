// XML as text: elements in elements, their values in CDATA or escaped. Pure. Never prints what a parser would refuse.
import { xmlSafe } from '../core/xml.ts';

export type XmlNode = { readonly name: string; readonly content: string | readonly XmlNode[] };

/** What is text in XML stays text: no control characters, no lone surrogates, plain line feeds. */
export const cleanXml = (text: string): string => xmlSafe(text.toWellFormed());

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

/** The end mark of a section is parted over two. */
const inCdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;

export type XmlWriting = { readonly cdata: boolean; readonly declaration: boolean };

/** Values must have been through `cleanXml`: what is signed is what a parser reads. */
export function writeXml(root: XmlNode, { cdata, declaration }: XmlWriting): string {
  const write = ({ name, content }: XmlNode): string => {
    const inner =
      typeof content === 'string' ? (cdata ? inCdata(content) : escaped(content)) : content.map(write).join('');
    return `<${name}>${inner}</${name}>`;
  };
  return (declaration ? '<?xml version="1.0" encoding="UTF-8"?>' : '') + write(root);
}
