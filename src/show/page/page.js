/* Where we are, and how one gets there. */
const app = document.getElementById('app'), root = document.documentElement;
const store = {
  get: key => { try { return localStorage.getItem('epoll-lab.' + key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem('epoll-lab.' + key, value); } catch { /* a page in a file may have none */ } },
};
let at = 0, playing = 0, asking = null, questions = store.get('questions') !== 'off';
const answers = new Map();
root.dataset.theme = store.get('theme') || (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');

function button(id, text, key, act, label, cls) {
  const b = h('button', cls || '', text);
  b.type = 'button';
  b.id = id;
  b.title = `${label || text}  [${key}]`;
  b.setAttribute('aria-label', label || text);
  b.setAttribute('aria-keyshortcuts', { '←': 'ArrowLeft', '→': 'ArrowRight' }[key] || key);
  b.onclick = act;
  return b;
}
const $ = id => app.querySelector('#' + id);

const title = h('h1', ''), chips = h('span', 'chips');
const head = h('header', '', title, chips, h('span', 'push',
  button('questions', 'Questions', 'p', () => { questions = !questions; store.set('questions', questions ? 'on' : 'off'); asking = null; draw(); }),
  button('record', 'Record', 'j', records), button('legend', 'Legend', 'l', legend),
  button('theme', 'Light', 't', () => { root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark'; store.set('theme', root.dataset.theme); draw(); })));
const say = h('div', ''), body = h('div', side ? 'duo' : 'solo'), live = h('p', 'vh'), range = h('input', ''), ticks = h('div', 'ticks'), count = h('span', 'n'), dialog = h('dialog', '');
say.id = 'say';
live.setAttribute('role', 'status');
Object.assign(range, { type: 'range', min: 1, max: clock.length, step: 1 });
range.setAttribute('aria-label', 'Moment');
ticks.setAttribute('aria-hidden', 'true');
const foot = h('footer', '', button('first', '|◀', 'Home', () => go(0), 'To the beginning'), button('back', '◀', '←', back, 'One moment back'),
  button('next', '▶', '→', forward, 'One moment forward', 'big'), button('play', 'Play', 'Space', toggle), button('report', 'Next report', 'n', report),
  h('div', 'bar', range, ticks), count);

/* A bar for a moment; of a long run for several. */
const BARS = Math.min(clock.length, 400);
for (let i = 0; i < BARS; i++) ticks.append(h('i', ''));
const barOf = i => Math.floor(i * BARS / clock.length);

const pending = i => questions ? ASKS.find(ask => ask.tick === i && !answers.has(ask)) : undefined;
function forward() {
  if (asking) return answer(null);
  if (at + 1 >= clock.length) return stop();
  asking = pending(at + 1) || null;
  if (asking) return draw();
  go(at + 1);
}
function answer(choice) {
  const tick = asking.tick;
  answers.set(asking, choice);
  asking = pending(tick) || null;
  if (asking) draw(); else go(tick);
}
function back() { if (asking) { asking = null; draw(); } else go(at - 1); }
function go(i) { asking = null; at = Math.max(0, Math.min(clock.length - 1, i)); draw(); }
function report() {
  let i = at + 1;
  while (i < clock.length - 1 && !momentsAt(i).some((m, n) => fresh(i)[n] && m.k === 'report')) i++;
  go(i);
}
function stop() { clearInterval(playing); playing = 0; draw(); }
function toggle() {
  if (playing) return stop();
  if (at === clock.length - 1) go(0);
  playing = setInterval(() => { if (!asking) forward(); }, 1800);
  forward();
}
function open(...parts) {
  const form = h('form', '', h('button', '', 'Close'));
  form.method = 'dialog';
  dialog.replaceChildren(...parts, form);
  dialog.showModal();
}
/* Behind a closed dialog no button should keep the keyboard. */
dialog.addEventListener('close', () => { if (dialog.contains(document.activeElement)) document.activeElement.blur(); });
function records() {
  const made = clock[at].map(([r, k]) => { const m = RUNS[r].moments[k], [from, to] = m.r || [0, 0]; return RUNS[r].records.slice(from, to).map(x => JSON.stringify(x)); });
  open(h('h2', '', 'The records of this moment'), ...made.map(lines => h('pre', '', lines.length ? lines.join('\n') : '(a line of the trace alone)')));
}
function legend() {
  const sum = key => RUNS.reduce((n, run) => n + run[key], 0), met = sum('compared'), off = sum('differed');
  open(h('h2', '', 'Legend'),
    h('p', '', h('b', '', 'Measured: '), 'every call and its result; bytes unread (FIONREAD, /proc/net/tcp); the interest list, by the calls of epoll_ctl; where the thread sleeps (/proc); whether anything is ready (the epoll fd, polled while the server rests).'),
    h('p', '', h('b', 'by-rule', ''), ' and so not measured: which fds are on the ready list, and in which order (an arrival puts an fd on it, a report takes an edge-triggered one off, a wait drops what is no longer ready); which bytes lie in a buffer; what is unread between an arrival and the next look.'),
    h('p', '', `In what you see here ${met} derived numbers met a measured one, and ${off ? off + ' differed: the measured one is drawn.' : 'none differed.'}`),
    h('p', '', 'Filled cells are unread. Dashed cells have just been taken, dotted ones are history. A report is one event for one fd, delivered by one return of the wait call.'),
    h('p', 'keys', 'Keys: ', '← → Home End Space, n next report, 1–3 answer, p questions, j records, l legend, t dark or light. #19 behind the address is moment 19.'));
}

const BAD = /stuck|blocked|stranded/;
function verdicts(i) {
  return ASKS.filter(ask => ask.until === i && answers.get(ask) != null).map(ask => {
    const mine = answers.get(ask), right = mine === ask.a, kernel = ask.o[ask.a] + (ask.why ? ` (${ask.why})` : '');
    return h('span', 'verdict ' + (right ? 'hit' : 'miss'), (ask.until === ask.tick ? '' : ask.q + ' ') + `you said: ${ask.o[mine]}. ` + (right ? 'So it is' + (ask.why ? `: ${ask.why}.` : '.') : `The kernel: ${kernel}.`));
  });
}
/* Side by side the headline is what the clients have done last, in both. */
function headline(ms) {
  if (!side) return [ms[0].s, ms[0]];
  if (ms.every(m => m.k === 'end')) return ['Both runs are over. What each came to stands below its name.', ms[0]];
  for (let i = at; i >= 0; i--) {
    const m = momentsAt(i).find((m, n) => m.k === 'client' && fresh(i)[n]);
    if (m) return [m.s.split('.')[0] + '.', m];
  }
  return ['The servers start.', ms[0]];
}

let traces = [], linking = 0;
function draw() {
  const focus = document.activeElement, inTrace = traces.findIndex(run => run.pre === focus), inSay = say.contains(focus), inListing = focus.closest('.listing');
  const ms = momentsAt(at), now = fresh(at), runs = clock[at].map(([r]) => RUNS[r]);
  body.replaceChildren(...runs.map((run, n) => {
    const state = stateAt(run, clock[at][n][1]), m = side && !now[n] ? { ...ms[n], w: [], f: null } : ms[n];
    const parts = [stage(run, state, m), server(run, state, m), run.box || trace(run)];
    return h('div', 'run', side ? [h('h1', '', run.command.replace('epoll-lab ', ''), ' ', h('span', 'chip', run.chips[0] + ', ' + run.chips[run.chips.length - 1])), h('p', 'saying' + (now[n] || m.k === 'end' ? '' : ' same'), m.s), parts] : parts);
  }));
  traces = runs;
  runs.forEach((run, n) => show(run, ms[n]));
  const on = body.querySelector('.listing .on, .listing .slp');
  if (on) on.parentNode.scrollTop = on.offsetTop - (on.parentNode.clientHeight - on.offsetHeight) / 2;

  const [text, m] = headline(ms), q = asking;
  const bad = BAD.test(m.k) || m.k === 'end' && /^[A-Z]{4}/.test(m.s);
  say.className = q ? 'ask' : bad ? 'bad' : m.c ? 'client who-' + who(m.c) : '';
  const options = q && h('div', 'opts', q.o.map((o, i) => { const b = h('button', '', h('kbd', '', String(i + 1)), ' ' + o); b.type = 'button'; b.onclick = () => answer(i); return b; }));
  say.replaceChildren(h('p', '', q ? q.of + q.q : text, q ? null : verdicts(at)), options || '');
  live.textContent = q ? q.q + ' ' + q.o.map((o, i) => `${i + 1}: ${o}`).join('; ') : side ? text + ' ' + ms.map((m, n) => runs[n].title + ': ' + m.s).join(' ') : text;

  title.textContent = side ? 'Two servers, the same clients' : runs[0].title;
  chips.replaceChildren(...(side ? [] : runs[0].chips.map(c => h('span', 'chip', c))), runs.some(run => run.cut) ? h('span', 'chip bad', 'longer than a page: cut off') : '');
  range.value = at + 1;
  range.setAttribute('aria-valuetext', `${at + 1} of ${clock.length}: ${text}`);
  count.textContent = `${at + 1} / ${clock.length}`;
  bars();
  $('back').disabled = $('first').disabled = at === 0 && !asking;
  $('next').disabled = at === clock.length - 1;
  $('play').textContent = playing ? 'Pause' : 'Play';
  $('questions').hidden = !ASKS.length;
  $('questions').setAttribute('aria-pressed', questions);
  $('theme').textContent = root.dataset.theme === 'dark' ? 'Light' : 'Dark';
  if (inTrace >= 0 && traces[inTrace]) traces[inTrace].pre.focus({ preventScroll: true });
  if (inListing) body.querySelector('.listing pre')?.focus({ preventScroll: true });
  if ($('next').disabled && focus === $('next')) $('back').focus();
  if ($('back').disabled && (focus === $('back') || focus === $('first'))) $('next').focus();
  if (inSay) (say.querySelector('button') || $('next')).focus();
  clearTimeout(linking);            // a browser does not like to be told at every key
  linking = setTimeout(() => history.replaceState(null, '', '#' + (at + 1)), 200);
}
/* What comes later is not given away: of the future only the clients' steps. */
function bars() {
  const cls = Array(BARS).fill('');
  const rank = ['', 't-sleep', 't-client', 't-report', 't-bad'];
  for (let i = 0; i < clock.length; i++) {
    const now = fresh(i);
    let best = '', client = '';
    momentsAt(i).forEach((m, n) => {
      if (!now[n]) return;
      const kind = m.k === 'client' ? 't-client' : i > at ? '' : BAD.test(m.k) ? 't-bad' : m.k === 'report' ? 't-report' : m.k === 'sleep' ? 't-sleep' : '';
      if (rank.indexOf(kind) >= rank.indexOf(best)) best = kind;
      if (m.c) client = ' who-' + who(m.c);
    });
    const bar = barOf(i), had = cls[bar].split(' ')[0];
    if (rank.indexOf(best) >= rank.indexOf(had)) cls[bar] = best + (best === 't-client' ? client || ' who-L' : '');
  }
  const asked = new Set(questions ? ASKS.filter(ask => ask.tick > at && !answers.has(ask)).map(ask => barOf(ask.tick)) : []);
  [...ticks.children].forEach((bar, i) => { bar.className = cls[i] + (i === barOf(at) ? ' t-now' : '') + (i > barOf(at) ? ' t-fut' : '') + (asked.has(i) ? ' t-ask' : ''); });
}

range.oninput = () => go(range.value - 1);
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || dialog.open) return;
  const key = e.key, onButton = e.target.tagName === 'BUTTON' && !dialog.contains(e.target);
  if (asking && /^[1-9]$/.test(key) && +key <= asking.o.length) answer(key - 1);
  else if (key === 'ArrowRight' || key === 'PageDown') forward();
  else if (key === 'ArrowLeft' || key === 'PageUp') back();
  else if (key === 'Home') go(0);
  else if (key === 'End') go(clock.length - 1);
  else if (key === ' ' && !onButton) toggle();
  else if (key === 'n') report();
  else if (key === 't' || key === 'p' || key === 'l' || key === 'j') $({ t: 'theme', p: 'questions', l: 'legend', j: 'record' }[key]).click();
  else return;
  e.preventDefault();
});
const linked = () => (parseInt(location.hash.slice(1)) || 1) - 1;
addEventListener('hashchange', () => go(linked()));
addEventListener('resize', draw);
document.getElementById('static').hidden = true;
app.hidden = false;
if (side) app.classList.add('two');
app.append(head, say, body, foot, live, dialog);
go(linked());
requestAnimationFrame(draw);      // once more, now that all has its size: the trace scrolls by whole lines
