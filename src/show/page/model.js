/* The runs, their moments and one clock for all. Nothing is worked out here: a
   moment brings what changes, and what it has replaced is the way back. */
const DATA = JSON.parse(document.getElementById('data').textContent);
const RUNS = DATA.runs, side = DATA.layout === 'side';

for (const run of RUNS) {
  run.state = {};
  run.at = -1;
  let place = null;
  for (const m of run.moments) {
    m.d ||= {};
    m.w ||= [];
    place = m.p ||= place;               // a thread that sleeps stays in its line
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
}

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
