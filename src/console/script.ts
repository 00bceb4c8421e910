// What a script adds to pages that are whole without it: times in the reader's own zone, and buttons that copy. Asks
// nobody anything, decides nothing.
export const SCRIPT = `
(function () {
  var shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'medium' });
  document.querySelectorAll('time[datetime]').forEach(function (time) {
    var at = new Date(time.dateTime);
    if (isNaN(at)) return;
    time.title = time.textContent;
    time.textContent = shown.format(at);
  });
  document.querySelectorAll('[data-copied]').forEach(function (button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener('click', function () {
      var source = document.getElementById(button.dataset.from);
      navigator.clipboard.writeText(source.textContent.trim()).then(function () {
        button.textContent = button.dataset.copied;
      }, function () {});
    });
  });
  document.querySelectorAll('form').forEach(function (form) {
    form.addEventListener('submit', function (event) {
      if (form.dataset.sent) return event.preventDefault();
      if (form.method === 'post') form.dataset.sent = 'yes';
    });
  });
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('form').forEach(function (form) { delete form.dataset.sent; });
  });
})();
`;
