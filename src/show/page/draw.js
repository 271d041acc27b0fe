/* The picture of one moment. Every element is made anew; what is text stays
   text, whatever bytes it holds. */
function h(tag, cls, ...kids) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  for (const kid of kids.flat(Infinity)) if (kid != null && kid !== '' && kid !== false) e.append(kid);
  return e;
}
const NS = 'http://www.w3.org/2000/svg';
const who = name => name === 'L' || !/^[A-Z]/.test(name) ? 'L' : 'ABCD'[(name.charCodeAt(name.length - 1) - 65) % 4];
const tag = (fd, name, rest) => h('span', 'fdtag m who-' + who(name), name ? `${fd}<${name}>` : String(fd), rest && h('small', '', ' ' + rest));
const empty = text => h('span', 'empty', text);
const cap = (tokens, most) => tokens.length > most ? tokens.slice(0, most).join('') + '…' : tokens.join('');

const CELLS = side ? 13 : 16;
function cell(text, cls) {
  const long = text.length > 1 && !/eof/.test(cls) ? ' esc' : '';
  return h('span', 'cell m ' + (cls || '') + long, text === ' ' ? '␣' : text);
}

/* A client's bytes in the kernel: gone, taken in this moment, unread. */
function cells(stream, c) {
  const box = h('div', 'cells'), to = c('read') + c('un'), left = c('read') - c('took');
  const start = Math.max(c('base'), Math.min(left, to - CELLS));
  for (let i = start; i < Math.min(to, start + CELLS); i++) {
    box.append(cell(stream[i] || '·', i < left ? 'gone' : i < c('read') ? 'taken' : ''));
  }
  if (to > start + CELLS) box.append(h('span', 'more', '+ ' + (to - start - CELLS)));
  const closed = c('at') === 'closed';
  if (c('eof') && !closed) box.append(cell('end of file', 'eof'));
  if (closed) box.replaceChildren(empty(c('lost') ? `closed, ${c('lost')} bytes lost` : 'closed'));
  else if (!box.childNodes.length) box.append(empty(c('at') === 'queue' ? 'in the listener’s queue' : c('at') ? 'empty' : 'no connection'));
  return box;
}

function arrow(flow, name) {
  const box = h('div', 'arrow who-' + who(name));
  if (!flow || flow[0] !== name) return box;
  const svg = document.createElementNS(NS, 'svg'), path = document.createElementNS(NS, 'path');
  svg.setAttribute('viewBox', '0 0 36 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', flow[1] === 'to' ? 'M2 9h20V2l12 10-12 10v-7H2z' : 'M34 9H14V2L2 12l12 10v-7h20z');
  svg.append(path);
  box.append(svg, h('span', '', flow[2]));
  return box;
}

function client(run, state, m, name, c) {
  const stream = run.bytes[name] || [], other = state.th === 'one' && state.for !== name && c('un') > 0;
  const answer = c('ans') && h('b', c('ans') === 'at once' ? 'well' : 'ill', c('ans'));
  const counts = [h('dt', '', 'sent'), h('dd', 'm', String(c('sent'))), h('dt', '', 'back'), h('dd', 'm', String(c('back')))];
  const words = [h('dt', '', 'sent'), h('dd', 'm', c('sent') ? cap(stream.slice(0, c('sent')), 24) : '—'),
    h('dt', '', 'back'), h('dd', 'm', c('back') ? cap(stream.slice(0, c('back')), 24) : c('echo') ? h('i', '', `${c('echo')} on the way`) : '—')];
  return h('div', `client who-${who(name)}` + (c('st') ? '' : ' none') + (m.w.includes('c-' + name) ? ' hot' : ''),
    h('b', '', name), h('span', 'st' + (other ? ' waits' : ''), other ? 'waits' : c('st') || 'not there yet'),
    h('dl', '', side ? counts : words),
    answer && h('span', 'ans', side ? 'answer ' : 'answered: ', answer));
}

function socket(run, state, m, name, c) {
  const stream = run.bytes[name] || [];
  const head = h('div', 'head', h('span', 'fd m', c('fd') ? `${c('fd')}<${name}>` : ''), h('span', 'st', 'receive buffer'),
    c('at') && c('at') !== 'closed' ? h('span', 'num' + (c('by') ? ' by' : ''), h('b', '', String(c('un'))), ' unread') : null);
  const server = run.rules || run.foreign;
  const counts = [run.foreign ? ['reports', c('rep') + c('hup')] : run.wait && ['reports: data', c('rep')], !run.foreign && run.wait && ['end', c('hup')], ['recv', c('recv')], run.nonblock && server && ['EAGAIN', c('eag')], run.rules && ['echoed', `${c('echo')}/${c('sent')}`]];
  return h('div', `sock who-${who(name)}` + (c('at') && c('at') !== 'closed' ? '' : ' none') + (m.w.includes('sock-' + name) ? ' hot' : ''),
    head, cells(stream, c), h('div', 'cnt', counts.filter(Boolean).map(([text, n]) => h('span', '', text + ' ', h('b', '', n + (run.foreign && state.folded ? '+' : ''))))));
}

/* One end of a connection, both of which the experiment holds itself. */
function end(m, name, c) {
  const room = c('full') === null ? '' : c('full') ? 'send buffer: full' : 'send buffer: has room';
  return h('div', `sock end who-${who(name)}` + (c('at') === 'closed' ? ' none' : '') + (m.w.includes('sock-' + name) ? ' hot' : ''),
    h('div', 'head', h('span', 'fd m', c('fd') ? `${c('fd')}<${name}>` : name), h('span', 'st', c('at') === 'closed' ? 'closed' : room)),
    h('div', 'cnt', h('span', '', 'reports ', h('b', '', String(c('rep'))))));
}

const epoll = state => state.efd ? `epoll ${state.efd}: ` : '';
function lists(run, state, m) {
  const hot = x => m.w.includes(x) ? 'hot' : '', queue = state.queue || [], ready = state.ready || [];
  const shown = queue.slice(0, 3).map(name => h('span', 'fdtag who-' + who(name), name + ' waits'));
  const listener = h('div', hot('L'), h('h2', '', 'Listener ', state.lfd ? h('span', 'm', `${state.lfd}<L>`) : ''),
    h('div', 'list', queue.length ? [shown, queue.length > 3 ? h('span', 'more', `+ ${queue.length - 3}`) : ''] : empty(state.lfd ? 'queue empty' : 'closed')));
  if (!run.rules) {
    const why = run.foreign ? 'of a program that is not the lab’s too little is known.' : 'an experiment may do what its rules do not cover.';
    const watched = state.many ? [] : Object.keys(state).filter(key => key.startsWith('i.')).map(key => tag(+key.slice(2), ...state[key]));
    return h('div', 'lists card' + (run.foreign ? ' foreign' : ''), run.foreign && listener, h('div', (run.foreign ? '' : 'wide ') + hot('interest'), h('h2', '', `${state.many ? 'epoll: ' : epoll(state)}interest list`), h('div', 'list', watched.length ? watched : empty(state.many ? `${state.many + 1} instances, each with a list: see the trace` : state.efd ? 'empty' : 'none'))),
      h('p', 'nolist', 'No ready list is drawn: ' + why));
  }
  if (run.api !== 'epoll') {
    const words = run.api === 'none' ? 'No list anywhere: the thread asks one socket at a time.'
      : `The kernel keeps no list: the program hands all its fds over at every ${run.api}.`;
    return h('div', 'lists card', listener, h('p', 'nolist', words));
  }
  const interest = Object.keys(state).filter(key => key.startsWith('i.')).map(key => [+key.slice(2), ...state[key]]).sort((a, b) => a[0] - b[0]);
  const name = fd => (state['i.' + fd] || [''])[0];
  const few = interest.length <= (side ? 4 : 3), most = few || interest.length > 5 ? 4 : 5, spare = interest.length - most;
  return h('div', 'lists card', listener,
    h('div', hot('interest'), h('h2', '', `${epoll(state)}interest list`, few ? '' : ` (${interest.length})`),
      h('div', 'list', interest.length ? interest.slice(0, most).map(([fd, who, events]) => tag(fd, who, few && events)) : empty(state.efd ? 'empty' : 'closed'), spare > 0 ? h('span', 'more', `+ ${spare}`) : '')),
    h('div', 'rl ' + hot('ready'), h('h2', 'by-rule', 'ready list'),
      h('div', 'list', ready.length ? ready.slice(0, 4).map(fd => tag(fd, name(fd))) : empty('empty'), ready.length > 4 ? h('span', 'more', `+ ${ready.length - 4}`) : '')));
}

function stage(run, state, m) {
  const drawn = run.names.length <= 4 ? run.names : state.draw || run.names.slice(0, 4);
  const box = h('section', 'stage' + (drawn.length > 2 ? ' dense' : ''));
  box.setAttribute('aria-label', 'Clients and kernel');
  if (run.rules || run.foreign) box.append(h('h2', '', 'Clients'), h('h2', 'k', ''), h('h2', 'k', 'Kernel, for the server', !run.rules ? '' : h('span', 'legend', h('span', 'by-rule', ''), ' by rule; the rest is measured')));
  for (const name of drawn) {
    const c = key => { const v = state[`${name}.${key}`]; return v === undefined ? (/^(st|at|ans|fd|full)$/.test(key) ? null : 0) : v; };
    if (!run.rules && !run.foreign && !c('st')) box.append(end(m, name, c));
    else box.append(client(run, state, m, name, c), arrow(m.f, name), socket(run, state, m, name, c));
  }
  if (!run.rules) box.classList.add('trial');
  const others = run.names.length - drawn.length;
  if (others > 0) box.append(h('p', 'others', `and ${others} more, to whom nothing has happened since`));
  box.append(lists(run, state, m));
  return box;
}

const STATES = { run: ['▶', 'running'], any: ['z z z', 'asleep, for anybody'], one: ['Z Z Z', 'ASLEEP, for one client'], held: ['▮▮', 'busy: held by the lab'], end: ['■', 'ended'] };
function server(run, state, m) {
  const th = state.th || 'run', [sign, text] = STATES[th], buf = state.buf, box = h('section', 'server card');
  box.setAttribute('aria-label', 'The server, one thread');
  const count = run.wait && run.rules ? h('span', 'r', `${run.wait} returned `, h('b', '', String(state.waits || 0)), ' ×') : null;
  const row = h('div', 'cells' + (buf ? ' who-' + who(buf[0]) : '')), room = Math.min(run.buffer, side ? 6 : 9);
  for (let i = 0; i < room; i++) {
    const full = buf && i < buf[2] - buf[1];
    row.append(full ? cell((run.bytes[buf[0]] || [])[buf[1] + i] || '·', '') : h('span', 'cell room'));
  }
  box.append(...[h('h2', '', run.rules ? 'Server: one thread' : 'The program', count),
    h('div', `thread th-${th}` + (m.w.includes('thread') ? ' hot' : ''), h('div', 'st', h('span', '', sign), h('span', '', text)), h('code', '', state.call || '—'), state.call2 ? h('code', '', state.call2) : null),
    run.rules && h('div', 'buf', h('h2', '', 'its buffer'), row, h('span', 'num', h('b', '', String(run.buffer)), run.buffer === 1 ? ' byte' : ' bytes'))].filter(Boolean));
  box.append(side ? count || '' : m.p ? listing(m, th) : calls(run, m));
  return box;
}

/* Where there is no listing: the calls, as far as we have come. */
function calls(run, now) {
  const made = run.moments.slice(0, run.moments.indexOf(now) + 1).filter(m => m.d.call && m.k !== 'sleep').slice(-10);
  const why = run.foreign ? 'its calls: there is no listing of it' : 'its calls';
  return made.length ? h('div', 'listing', h('p', 'file', why), h('pre', '', made.map((m, i) => h('span', m === now ? 'on' : 'rem', m.d.call)))) : h('div', 'listing');
}

/* The function that made the call. A long line goes on below, further in. */
function listing(m, th) {
  const part = m.p && DATA.listing[m.p[0]];
  if (!part) return h('div', 'listing');
  const state = th === 'one' ? 'slp' : th === 'any' ? 'on zz' : th === 'end' ? '' : 'on';
  const lines = part.text.split('\n').map((text, i) => {
    const line = text.replace(/^ +/, s => ' '.repeat(s.length / 2)), e = h('span', i === m.p[1] ? state : /^ *\/\//.test(line) ? 'rem' : '', line || ' ');
    e.style.setProperty('--in', line.search(/\S|$/) + 2 + 'ch');
    return e;
  });
  const pre = h('pre', '', lines);
  pre.tabIndex = 0;
  pre.setAttribute('aria-label', 'The listing');
  return h('div', 'listing', h('p', 'file m', part.file + (state && `, line ${part.first + m.p[1]}`)), pre);
}

/* The trace is made once; a moment only says how far it is to be seen. */
function trace(run) {
  const pre = h('pre', '');
  pre.tabIndex = 0;
  run.rows = run.lines.map(line => {
    const two = line.length > 48 && line[47] === ' ', left = two ? line.slice(0, 48).trimEnd() : line, right = two ? line.slice(48) : '';
    const row = h('div', 'ln fut', h('span', 'lf', left), right ? h('span', />>>/.test(right) ? 'warn' : '', right) : null);
    pre.append(row);
    return row;
  });
  run.until = -1;
  run.box = h('section', 'trace card', h('h2', 'm cmd', '$ ' + run.traced), pre);
  run.box.setAttribute('aria-label', 'The trace');
  run.pre = pre;
  return run.box;
}
function show(run, m) {
  const to = m.l[1];
  for (const row of run.marked || []) row.classList.remove('cur', 'half');
  while (run.until < to) run.rows[++run.until].classList.remove('fut');
  while (run.until > to) run.rows[run.until--].classList.add('fut');
  run.marked = run.rows.slice(m.l[0], to + 1);
  for (const row of run.marked) row.classList.add('cur');
  const last = run.rows[to];
  if (!last) return;
  if (m.h) last.classList.add('half');
  const pre = run.pre, size = last.getBoundingClientRect().height || 1;
  const whole = Math.max(1, Math.floor(pre.parentNode.clientHeight ? pre.clientHeight / size : 1));
  pre.scrollTop = Math.max(0, Math.ceil((last.offsetTop + size) / size - whole)) * size;
}
