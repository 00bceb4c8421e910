// Keeps a part of a page fresh: asks for the page again while somebody looks at it, and changes in it what is no more
// as it was, for as long as the page marks it as live. Decides nothing.
(() => {
  const EVERY_MS = 2000;
  const AT_MOST_MS = 60000;
  let waitMs = EVERY_MS;
  const shown = new WeakMap();

  /** Nothing is put in anew that is there already: a screen reader hears of a status only what has changed. */
  const renew = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName) return old.replaceWith(document.importNode(fresh, true));
    if (!old.attributes) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    const stays = (name) => name === 'open'; // what somebody has opened
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !stays(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
    for (const node of before.slice(after.length)) node.remove();
    for (const [at, node] of after.entries()) {
      if (before[at]) renew(before[at], node);
      else old.append(document.importNode(node, true));
    }
  };

  const refresh = async () => {
    // Nobody is at work: such a request does not keep a session alive.
    const headers = { accept: 'text/html', 'x-refresh': 'self' };
    const response = await fetch(location.href, { headers, redirect: 'error' });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    document.querySelectorAll('[data-live]').forEach((part) => {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.outerHTML === shown.get(part)) return;
      // Whoever is in the middle of it, with the keyboard or the mouse, is not thrown out.
      if (part.contains(document.activeElement)) return;
      shown.set(part, fresh.outerHTML);
      renew(part, fresh);
      part.dispatchEvent(new Event('fresh', { bubbles: true }));
    });
  };

  const later = () => {
    if (!document.querySelector('[data-live]')) return;
    setTimeout(async () => {
      try {
        if (!document.hidden) await refresh();
        waitMs = EVERY_MS;
      } catch {
        waitMs = Math.min(waitMs * 2, AT_MOST_MS);
      }
      later();
    }, waitMs);
  };
  later();
})();
