// Draws the charts of a page from the numbers that are in it, and keeps an overview fresh: asks for newer numbers while
// somebody looks, more slowly where there is no answer, and says so. Everything that comes is put in as text.
(() => {
  const root = document.documentElement;
  const language = root.lang;
  const { uPlot } = window;
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  const HEIGHT = 220;

  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat(language, { notation: 'compact' });
  const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric' });
  const date = new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', timeZone: 'UTC' });
  const whole = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });

  const spanOf = (ms) => {
    if (ms < 1_000) return `${number.format(ms)} ms`;
    if (ms < 60_000) return `${number.format(ms / 1_000)} s`;
    return ms < 3_600_000 ? `${number.format(ms / 60_000)} min` : `${number.format(ms / 3_600_000)} h`;
  };
  const WRITE = {
    ms: spanOf,
    percent: (value) => `${number.format(value)} %`,
    count: number.format,
    bars: short.format,
  };

  const axisOf = (more) => ({
    stroke: colour('soft'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1 },
    ...more,
  });

  // Latencies go from milliseconds to days: they are shown by their order of magnitude.
  const scaleOf = (unit) => {
    if (unit === 'ms') return { distr: 3 };
    if (unit === 'percent') return { range: () => [0, 100] };
    return { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1, (high ?? 0) * 1.1)] };
  };

  /** Bars stand beside their day: the first and the last want room too. */
  const withRoom = (plot, low, high) => {
    const [first, second] = plot.data[0];
    const step = second === undefined ? 86_400 : second - first;
    return [low - step, high + step];
  };

  const optionsOf = (width, { unit, isDays, series }) => ({
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    // Days have no zone: they are shown as they are called.
    ...(isDays ? { tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), 'Etc/UTC') } : {}),
    padding: [12, 28, 0, 0], // room for half of the last date
    scales: { x: unit === 'bars' ? { time: true, range: withRoom } : { time: true }, y: scaleOf(unit) },
    series: [
      {},
      ...series.map(({ name, tone }, index) => ({
        label: name,
        stroke: colour(tone),
        width: 2,
        dash: DASHES[index % DASHES.length],
        points: { show: (_, at) => isAlone(series[at - 1].values), size: 5 },
        ...(unit === 'bars'
          ? {
              fill: colour(tone),
              paths: uPlot.paths.bars({ size: [0.8 / series.length, 40], align: index === 0 ? -1 : 1 }),
            }
          : {}),
      })),
    ],
    axes: [
      axisOf({
        space: 70,
        values: (_, splits, __, ___, step) =>
          splits.map((at) => (isDays ? date : step >= 86_400 ? day : clock).format(new Date(at * 1_000))),
      }),
      axisOf({
        size: (_, texts) => Math.max(64, 18 + 7 * Math.max(...(texts ?? []).map((text) => text.length))), // 12 px letters
        values: (_, splits) => splits.map((value) => (value === null ? '' : WRITE[unit](value))),
      }),
    ],
  });

  /** A point without neighbours makes no line: it is shown as a dot. */
  const isAlone = (values) =>
    values.some((value, at) => value !== null && values[at - 1] == null && values[at + 1] == null);

  const dataOf = ({ x, series }) => [x, ...series.map(({ values }) => values)];

  const drawn = new Map();
  const draw = (place, chart) => {
    if (!uPlot || chart.x.length === 0) return;
    place.classList.add('drawn'); // shown from here on: what is hidden has no width
    drawn.get(place)?.plot.destroy();
    const width = place.clientWidth;
    drawn.set(place, { chart, plot: new uPlot(optionsOf(width, chart), dataOf(chart), place) });
  };
  const drawAgain = () => {
    for (const [place, { chart }] of [...drawn]) draw(place, chart);
  };

  for (const place of document.querySelectorAll('[data-chart]')) {
    draw(place, JSON.parse(place.dataset.points));
    if (drawn.has(place)) document.querySelector(`[data-table="${place.dataset.chart}"]`)?.removeAttribute('open');
  }
  let resizing = 0;
  window.addEventListener('resize', () => {
    clearTimeout(resizing);
    resizing = setTimeout(drawAgain, 150);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAgain);

  const fresh = document.querySelector('[data-source]');
  if (fresh) keepFresh(fresh);

  function timeOf(at, format) {
    const time = document.createElement('time');
    time.dateTime = at;
    time.textContent = format.format(new Date(at));
    return time;
  }

  function fill(place, cell) {
    if (typeof cell === 'string') place.textContent = cell;
    else if ('at' in cell) place.append(timeOf(cell.at, whole));
    else {
      const link = document.createElement('a');
      link.href = new URL(cell.href, location.origin).pathname;
      link.textContent = cell.text;
      place.append(link);
    }
  }

  function fillRows(body, rows) {
    const heads = JSON.parse(body.dataset.heads);
    body.replaceChildren(
      ...rows.map((cells) => {
        const row = document.createElement('tr');
        for (const [index, cell] of cells.entries()) {
          const place = document.createElement(index === 0 ? 'th' : 'td');
          if (index === 0) place.scope = 'row';
          else place.dataset.head = heads[index];
          fill(place, cell);
          row.append(place);
        }
        return row;
      }),
    );
  }

  /** Rows that somebody is in stay as they are until they leave. */
  const rowsOf = (id) => {
    const body = document.querySelector(`[data-rows="${id}"]`);
    return body && !body.contains(document.activeElement) ? body : null;
  };

  function take({ at, figures, charts, tables, since }) {
    for (const [key, { text, isBad }] of Object.entries(figures)) {
      const figure = document.querySelector(`[data-figure="${key}"]`);
      if (!figure) continue;
      const place = figure.querySelector('strong');
      if (place.textContent !== text) place.textContent = text;
      figure.classList.toggle('bad', isBad);
    }
    const calm = document.querySelector('[data-calm]');
    if (calm) calm.hidden = Object.values(figures).some(({ isBad }) => isBad);
    for (const [id, chart] of Object.entries(charts)) {
      const place = document.querySelector(`[data-chart="${id}"]`);
      const known = drawn.get(place);
      if (known) {
        known.chart = chart;
        known.plot.setData(dataOf(chart));
      } else if (place) draw(place, chart);
    }
    const rows = [...Object.entries(charts).map(([id, chart]) => [id, chart.rows]), ...Object.entries(tables)];
    for (const [id, some] of rows) {
      const body = rowsOf(id);
      if (body) fillRows(body, some);
    }
    for (const [id, time] of Object.entries(since)) {
      const place = document.querySelector(`[data-since="${id}"]`);
      if (!place || !time) continue;
      place.dateTime = time;
      place.textContent = whole.format(new Date(time));
    }
    const shown = document.querySelector('[data-at]');
    shown.dateTime = at;
    shown.textContent = exact.format(new Date(at));
  }

  function keepFresh(place) {
    const AGAIN_MS_MAX = 120_000;
    const ANSWER_MS_MAX = 20_000;
    let againMs = Number(place.dataset.again);
    let failures = 0;
    let timer = 0;
    let isPaused = false;
    let isAsking = false;
    const states = [...place.querySelectorAll('[data-state]')];
    const say = (name) => {
      for (const state of states) state.hidden = state.dataset.state !== name;
    };

    const later = () => {
      clearTimeout(timer);
      if (isPaused || document.hidden) return;
      timer = setTimeout(ask, Math.min(againMs * 2 ** failures, Math.max(againMs, AGAIN_MS_MAX)));
    };

    async function ask() {
      if (isAsking || isPaused || document.hidden) return;
      isAsking = true;
      try {
        const response = await fetch(place.dataset.source, {
          redirect: 'manual',
          signal: AbortSignal.timeout(ANSWER_MS_MAX),
        });
        if (response.type === 'opaqueredirect') {
          say('ended'); // the login: nothing comes any more
          return;
        }
        if (!response.ok) throw new Error(String(response.status));
        const told = await response.json();
        if (isPaused) return;
        take(told);
        againMs = told.againMs;
        failures = 0;
        say('');
      } catch {
        failures = Math.min(failures + 1, 10);
        say('stale');
      } finally {
        isAsking = false;
      }
      later();
    }

    const button = place.querySelector('[data-pause]');
    button.hidden = false;
    button.addEventListener('click', () => {
      isPaused = !isPaused;
      const { other } = button.dataset;
      button.dataset.other = button.textContent;
      button.textContent = other;
      say(isPaused ? 'paused' : '');
      if (isPaused) clearTimeout(timer);
      else ask();
    });
    document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : ask()));
    later();
  }
})();
