// How the console looks: light and dark, phone first. One text, served under a name that changes with it.
const COLOURS = {
  light: `color-scheme:light;--ground:#f4f5f7;--card:#fff;--ink:#16181d;--soft:#555b66;--line:#c9cdd5;--link:#0b4fb8;
--on-link:#fff;--good:#0a6b36;--warn:#8a4b00;--bad:#b3261e;--good-bg:#e3f4ea;--warn-bg:#fff1dc;--bad-bg:#fdeaea`,
  dark: `color-scheme:dark;--ground:#101216;--card:#1b1e24;--ink:#f2f3f5;--soft:#b4bac5;--line:#454b57;--link:#8ab4f8;
--on-link:#10131a;--good:#6ddc98;--warn:#ffbf6b;--bad:#ff9a92;--good-bg:#12301f;--warn-bg:#38280f;--bad-bg:#3f1a18`,
};

export const STYLE = `
:root{${COLOURS.light};font:16px/1.5 system-ui,-apple-system,"PingFang SC","Microsoft YaHei",sans-serif}
@media (prefers-color-scheme:dark){:root{${COLOURS.dark}}}
:root[data-theme=light]{${COLOURS.light}}
:root[data-theme=dark]{${COLOURS.dark}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink)}
a{color:var(--link)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.125rem;margin:0 0 .75rem}
p{margin:0 0 .75rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem;top:0;padding:.5rem 1rem;background:var(--card);z-index:2}
.skip:focus{left:.5rem}
header.top{background:var(--card);border-bottom:1px solid var(--line);padding:.25rem 1rem;display:flex;flex-wrap:wrap;
align-items:center;gap:0 1rem}
header.top .brand{font-weight:700;text-decoration:none;color:var(--ink);padding:.5rem 0}
header.top nav{overflow-x:auto;order:3;width:100%}
header.top nav ul{display:flex;list-style:none;margin:0;padding:0}
header.top nav a{display:block;padding:.625rem .75rem;white-space:nowrap;text-decoration:none}
header.top nav a[aria-current]{color:var(--ink);font-weight:650;box-shadow:inset 0 -3px var(--link)}
header.top .me{margin-left:auto;display:flex;align-items:center;gap:.75rem}
main{overflow-wrap:anywhere;max-width:76rem;margin:0 auto;padding:1.25rem 1rem 2rem}
footer{max-width:76rem;margin:0 auto;padding:0 1rem 2rem;color:var(--soft)}
footer form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:0 0 1rem}
.narrow{max-width:34rem}
.soft{color:var(--soft)}
.small{font-size:.875rem}
.break{overflow-wrap:anywhere}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.375rem 1rem;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;min-width:0}
table{width:100%;border-collapse:collapse}
caption{text-align:left;font-weight:650;padding:0 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.5rem .625rem;border-bottom:1px solid var(--line);font-weight:400;
overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.875rem;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
.badge{display:inline-block;padding:.0625rem .5rem;border-radius:1rem;border:1px solid var(--line);font-size:.875rem;
margin:0 .25rem .125rem 0;white-space:nowrap}
.badge.good{color:var(--good);background:var(--good-bg);border-color:transparent}
.badge.warn{color:var(--warn);background:var(--warn-bg);border-color:transparent}
.badge.bad{color:var(--bad);background:var(--bad-bg);border-color:transparent}
.note{border-left:.25rem solid var(--line);padding:.5rem .75rem;margin:0 0 1rem;background:var(--card)}
.note.good{border-color:var(--good);background:var(--good-bg)}
.note.warn{border-color:var(--warn);background:var(--warn-bg)}
.note.bad{border-color:var(--bad);background:var(--bad-bg)}
.note p:last-child{margin:0}
button,.act{font:inherit;display:inline-flex;align-items:center;padding:.5rem 1rem;
border-radius:.5rem;border:1px solid var(--link);
background:var(--card);color:var(--link);text-decoration:none;cursor:pointer;min-height:2.75rem}
button.main,.act.main{background:var(--link);color:var(--on-link)}
button.plain{border-color:var(--line);min-height:2.25rem;padding:.25rem .75rem}
button[aria-pressed=true]{border-color:var(--link);box-shadow:inset 0 0 0 1px var(--link)}
.acts{display:flex;flex-wrap:wrap;gap:.5rem;margin:0 0 1rem;padding:0;list-style:none}
label,legend{display:block;font-weight:600;margin:0 0 .25rem;padding:0}
fieldset{border:0;margin:0 0 1rem;padding:0}
fieldset label{font-weight:400;padding:.375rem 0}
.field{margin:0 0 1rem}
.field .help{margin:0 0 .25rem}
.field .wrong{color:var(--bad);margin:.25rem 0 0;font-weight:600}
input,select,textarea{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);
border-radius:.5rem;padding:.5rem .625rem;width:100%;min-height:2.75rem}
input[type=checkbox]{width:1.25rem;min-height:0;height:1.25rem;vertical-align:-.25rem;margin:0 .5rem 0 0}
textarea{min-height:6rem;font-family:ui-monospace,Menlo,Consolas,monospace}
textarea.masked{-webkit-text-security:disc}
[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.filter{display:grid;gap:0 1rem;grid-template-columns:1fr;align-items:end}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.75rem;list-style:none;
margin:0 0 1rem;padding:0}
.figures a{display:block;text-decoration:none;color:inherit;background:var(--card);border:1px solid var(--line);
border-radius:.75rem;padding:.75rem 1rem;height:100%}
.figures strong{display:block;font-size:1.75rem;line-height:1.2;color:var(--link);font-variant-numeric:tabular-nums}
.figures .bad strong{color:var(--bad)}
.timeline{list-style:none;margin:0;padding:0}
.timeline>li{border-left:.1875rem solid var(--line);padding:0 0 1rem 1rem}
.timeline>li:last-child{padding-bottom:0}
.timeline .attempt{border-color:var(--soft)}
.timeline .act-entry{border-color:var(--warn)}
.timeline .fact{border-color:var(--link)}
.timeline p{margin:0;overflow-wrap:anywhere}
img.code{display:block;width:12rem;height:12rem;background:#fff;border-radius:.5rem;margin:0 0 .75rem}
code,.mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9375em;overflow-wrap:anywhere}
pre{overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
button[hidden]{display:none}
.copy{display:flex;gap:.5rem;align-items:center;flex-wrap:wrap}
@media (min-width:48rem){
header.top nav{order:0;width:auto}
.filter{grid-template-columns:repeat(4,minmax(0,1fr))}
}
@media (max-width:47.99rem){
table.list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.list,table.list caption,table.list tbody,table.list tr,table.list th,table.list td{display:block}
table.list tr{border-bottom:1px solid var(--line);padding:.5rem 0}
table.list tr:last-child{border-bottom:0}
table.list th,table.list td{border:0;padding:.125rem 0;text-align:left}
table.list td::before{content:attr(data-head);color:var(--soft);display:inline-block;min-width:7rem;padding-right:.5rem}
table.list td:empty{display:none}
}
`;
