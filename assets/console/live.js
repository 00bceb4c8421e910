// Keeps a part of a page fresh: asks for the page again while somebody looks at it, and puts the part in when it has
// changed, for as long as the page marks it as live. Decides nothing.
(() => {
  const EVERY_MS = 2000;
  const AT_MOST_MS = 60000;
  let waitMs = EVERY_MS;

  const refresh = async () => {
    // Nobody is at work: such a request does not keep a session alive.
    const headers = { accept: 'text/html', 'x-refresh': 'self' };
    const response = await fetch(location.href, { headers, redirect: 'error' });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    document.querySelectorAll('[data-live]').forEach((part) => {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.dataset.shown) return;
      // Whoever is in the middle of it, with the keyboard or the mouse, is not thrown out.
      if (part.contains(document.activeElement)) return;
      const next = document.importNode(fresh, true);
      next.dataset.shown = fresh.innerHTML;
      part.replaceWith(next);
      next.dispatchEvent(new Event('fresh', { bubbles: true }));
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
