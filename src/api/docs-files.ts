// Style and script of /docs. The page is whole without the script, which only searches.
export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: #8885; --soft: #8881; --link: light-dark(#0b57d0, #8ab4f8);
  font: 16px/1.5 system-ui, sans-serif; }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: minmax(14rem, 20rem) minmax(0, 1fr); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: 1rem; background: Canvas; padding: 0.5rem; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem; border-right: 1px solid var(--line);
  font-size: 0.875rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; } nav li { margin: 0.35rem 0; overflow-wrap: anywhere; }
nav h2 { font-size: 0.875rem; margin: 1rem 0 0.25rem; }
nav input { width: 100%; font: inherit; padding: 0.4rem; }
main { padding: 1rem 2rem 4rem; max-width: 70rem; }
section { border-top: 1px solid var(--line); padding-top: 0.5rem; margin-top: 2rem; scroll-margin-top: 1rem; }
h3 { font-size: 1.05rem; overflow-wrap: anywhere; } h4 { font-size: 0.95rem; margin: 1rem 0 0.25rem; }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid var(--line); background: var(--soft); border-radius: 4px; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--soft); }
.verb { text-transform: uppercase; font-weight: bold; } .soft { opacity: 0.8; }
summary { cursor: pointer; } details { margin: 0.25rem 0; }
[hidden] { display: none !important; }
@media (max-width: 50rem) { body { display: block; } main { padding: 1rem; }
  nav { position: static; height: auto; max-height: 50vh; border: 0; } }
`;

export const DOCS_SCRIPT = `
const field = document.getElementById('search');
const count = document.getElementById('found');
field.parentElement.hidden = false;
const parts = [...document.querySelectorAll('[data-find]')];
const links = [...document.querySelectorAll('nav li')];
function search() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let found = 0;
  for (const part of parts) {
    const fits = words.every((word) => part.dataset.find.includes(word));
    part.hidden = !fits;
    if (fits && part.tagName === 'SECTION') found += 1;
  }
  for (const link of links) {
    const target = document.getElementById(link.firstElementChild.hash.slice(1));
    link.hidden = target !== null && target.hidden;
  }
  count.textContent = words.length === 0 ? '' : String(found);
}
field.addEventListener('input', search);
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== field) { event.preventDefault(); field.focus(); }
  if (event.key === 'Escape' && document.activeElement === field) { field.value = ''; search(); }
});
`;
