// Checks a form without leaving it: sends it as its button would, and puts what the answer says of it into its place.
// Keeps what was entered, secrets too, where it is: in the form.
(() => {
  const check = async (button) => {
    const { form } = button;
    const place = document.getElementById(button.dataset.into);
    const body = new URLSearchParams(new FormData(form));
    body.set(button.name, button.value);
    const response = await fetch(form.action, { method: 'POST', body, redirect: 'error' });
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const found = page.getElementById(button.dataset.into);
    if (!found || !place) throw new Error(String(response.status));
    place.replaceChildren(...document.importNode(found, true).childNodes);
  };
  document.querySelectorAll('button[data-into]').forEach((button) => {
    button.addEventListener('click', async (event) => {
      event.preventDefault();
      if (button.getAttribute('aria-busy') === 'true') return;
      button.setAttribute('aria-busy', 'true');
      try {
        await check(button);
      } catch {
        button.form.requestSubmit(button);
      } finally {
        button.removeAttribute('aria-busy');
      }
    });
  });
})();
