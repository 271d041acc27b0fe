/* The runs, their moments and one clock for all. Nothing is worked out here: a
   moment brings what changes, and what it has replaced is the way back. */
const DATA = JSON.parse(document.getElementById('data').textContent);
const RUNS = DATA.runs, side = DATA.layout === 'side';

/* What pack.rs holds only once: a text is a form with its gaps filled, a record
   what differs from the last of its kind, a moment goes on where the last ended. */
const text = t => Array.isArray(t) ? DATA.texts[t[0]].reduce((all, piece, i) => all + t[i] + piece) : DATA.texts[t][0];
const within = (told, next) => Array.isArray(told) ? told : [next, next + (told ?? 1)];
const kinds = [];
let seq = 0;
function record(r) {
  if (Array.isArray(r)) {
    const last = kinds[r[0]];
    r = kinds[r[0]] = Object.assign({}, last, 'seq' in last && { seq: seq + 1 }, r[1]);
  } else kinds.push(r);
  seq = r.seq || seq;
  return r;
}

RUNS.forEach((run, r) => {
  run.state = {};
  run.at = -1;
  run.lines = document.querySelectorAll('#static .lines')[r].textContent.split('\n');
  run.records = run.records.map(record);
  let place = null, line = 0, made = 0;
  for (const m of run.moments) {
    m.k ||= 'call';
    m.s = text(m.s);
    m.d ||= {};
    for (const key of ['call', 'call2']) if (m.d[key] != null) m.d[key] = text(m.d[key]);
    m.w = m.w == null ? [] : text(m.w).split(' ');
    const [from, to] = within(m.l, line);
    m.l = [from, to - 1];
    m.r = within(m.r, made);
    if (!m.h) [line, made] = [to, m.r[1]];   // half a line: the other half is the next one's
    place = m.p = 'p' in m ? m.p : place;
  }
  /* One escape, as strace writes it, is one byte. */
  run.bytes = {};
  for (const name in run.streams) run.bytes[name] = run.streams[name].match(/\\(?:[0-7]{1,3}|.)|./gs) || [];
  const seen = {};
  for (const m of run.moments) {
    m.undo = {};
    for (const key in m.d) {
      m.undo[key] = key in seen ? seen[key] : null;
      if (m.d[key] === null) delete seen[key]; else seen[key] = m.d[key];
    }
  }
});

function apply(state, delta) {
  for (const key in delta) if (delta[key] === null) delete state[key]; else state[key] = delta[key];
}

/* What the picture of a run holds at moment `k`. */
function stateAt(run, k) {
  while (run.at < k) apply(run.state, run.moments[++run.at].d);
  while (run.at > k) apply(run.state, run.moments[run.at--].undo);
  return run.state;
}

/* Each tick of the clock: which moments are to be seen, [run, moment]. In a row
   it is one; side by side one of each run, and the clients keep them in step. */
const clock = side ? together() : RUNS.flatMap((run, r) => run.moments.map((_, k) => [[r, k]]));

function together() {
  const key = m => m.k === 'client' ? m.s.split(' ').slice(0, 2).join(' ').replace('.', '') : null;
  const parts = RUNS.map(run => {
    const out = [{ key: 'start', ks: [] }];
    run.moments.forEach((m, k) => {
      if (key(m)) out.push({ key: key(m), ks: [] });
      out[out.length - 1].ks.push(k);
    });
    return out;
  });
  const out = [], now = [0, 0], [A, B] = parts;
  const emit = (x, y) => {
    for (let i = 0; i < Math.max(x.length, y.length); i++) {
      if (i < x.length) now[0] = x[i];
      if (i < y.length) now[1] = y[i];
      out.push([[0, now[0]], [1, now[1]]]);
    }
  };
  let a = 0, b = 0;
  while (a < A.length || b < B.length) {
    if (a < A.length && b < B.length && A[a].key === B[b].key) { emit(A[a++].ks, B[b++].ks); continue; }
    const later = a < A.length ? B.slice(b).findIndex(part => part.key === A[a].key) : -1;
    if (b < B.length && (a >= A.length || later > 0)) emit([], B[b++].ks); else emit(A[a++].ks, []);
  }
  return out;
}

const momentsAt = i => clock[i].map(([r, k]) => RUNS[r].moments[k]);
/* Side by side one of the two may stand still. */
const fresh = i => clock[i].map(([r, k], n) => !i || !clock[i - 1][n] || clock[i - 1][n][0] !== r || clock[i - 1][n][1] !== k);

/* Questions, by the tick before which they are asked. */
const ASKS = RUNS.flatMap((run, r) => run.asks.map(ask => ({ ...ask, tick: tickOf(r, ask.at), until: tickOf(r, ask.shown), of: side ? run.title + ': ' : '' })));
function tickOf(r, k) { return clock.findIndex(now => now.some(([run, moment]) => run === r && moment === k)); }
