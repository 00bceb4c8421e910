// What a script adds to pages that are whole without it: times in the reader’s own zone, shown and entered, and buttons
// that copy. Asks nobody anything, decides nothing.
(() => {
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'medium' });
  const showTimes = (part) =>
    part.querySelectorAll('time[datetime]').forEach((time) => {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) return;
      time.title = time.textContent;
      time.textContent = shown.format(at);
    });
  showTimes(document);
  document.querySelectorAll('[data-zone]').forEach((place) => {
    place.textContent = shown.resolvedOptions().timeZone;
  });
  // What is sent stays UTC, so that an address means the same to everybody.
  document.querySelectorAll('input[data-utc]').forEach((input) => {
    const given = new Date(`${input.defaultValue}Z`);
    if (!Number.isNaN(given.getTime())) {
      const here = new Date(given.getTime() - given.getTimezoneOffset() * 60_000);
      input.value = here.toISOString().slice(0, 16);
    }
    input.form.addEventListener('formdata', ({ formData }) => {
      const entered = new Date(input.value);
      if (!Number.isNaN(entered.getTime())) formData.set(input.name, entered.toISOString().slice(0, 16));
    });
  });
  document.addEventListener('fresh', (event) => showTimes(event.target));
  document.querySelectorAll('[data-copied]').forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener('click', () => {
      const source = document.getElementById(button.dataset.from);
      navigator.clipboard.writeText(source.textContent.trim()).then(
        () => {
          button.textContent = button.dataset.copied;
        },
        () => {},
      );
    });
  });
  document.querySelectorAll('form').forEach((form) => {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) return event.preventDefault();
      if (form.method === 'post') form.dataset.sent = 'yes';
    });
  });
  window.addEventListener('pageshow', () => {
    document.querySelectorAll('form').forEach((form) => {
      delete form.dataset.sent;
    });
  });
})();
