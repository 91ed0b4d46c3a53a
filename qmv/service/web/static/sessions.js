// All sessions: the latest open ones live by events, the others asked now and then.

import { ask, link, reached } from "./api.js";
import { find } from "./dom.js";
import { isClosed, lacksResults, sessionPart, showResults, showStatus, showSummary } from "./session.js";

const LIVE = 2;  // a browser has six connections to a service, also for pictures and videos
const MOST = 50;
const OPEN_MS = 4000;
const IDLE_MS = 15000;
const LOST_MS = 2000;
const SILENT_MS = 30000;  // the service sends a sign of life every 10 s

const parts = new Map();  // in the order in which they are shown, the latest first
const streams = new Map();
let timer = 0;
let lost = false;
let asked = 0;  // counts the questions: of two that overlap only the later one sets the next

export const wire = () => {
  link.addEventListener("lost", () => { lost = true; });
  link.addEventListener("back", () => { lost = false; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();  // other tabs need the connections
    else refresh();
  });
  addEventListener("pagehide", hush);
  setInterval(() => {
    for (const part of parts.values()) if (part.status && !isClosed(part.status.status)) showStatus(part, part.status);
  }, 1000);  // what counts down
};

/** Shows a session that has just begun, above all others. */
export const added = status => {
  const part = parts.get(status.session_id) ?? enter(status.session_id);
  find("list").prepend(part.more);
  part.more.open = true;
  part.results = null;
  heard(status);
  part.more.scrollIntoView({ block: "nearest" });
  refresh();
};

export const stopAll = () => {
  clearTimeout(timer);
  hush();
};

const enter = id => {
  const part = sessionPart(id, status => {
    heard(status);
    refresh();
  });
  parts.set(id, part);
  part.more.addEventListener("toggle", () => part.more.open && detail(part));
  return part;
};

const heard = status => {
  const part = parts.get(status.session_id);
  showStatus(part, status);
  if (lacksResults(part)) fetchResults(part);
};

export const refresh = async () => {
  clearTimeout(timer);
  const turn = ++asked;
  try {
    const { sessions } = await ask(`api/sessions?limit=${MOST}`);
    if (turn !== asked) return;
    show(sessions);
    await Promise.allSettled([...parts.values()].filter(part => part.more.open && stale(part)).map(detail));
  } catch (error) {
    if (error.status === 401) return;  // signing in begins anew
  }
  if (turn !== asked) return;
  const open = [...parts.values()].some(part => !isClosed(part.state.dataset.status));
  timer = setTimeout(refresh, lost ? LOST_MS : open ? OPEN_MS : IDLE_MS);
};

const show = sessions => {
  const list = find("list");
  const first = !parts.size;
  find("empty").hidden = sessions.length > 0;
  for (const summary of sessions) {
    const part = parts.get(summary.session_id) ?? enter(summary.session_id);
    part.summary = summary;
    showSummary(part, summary);
  }
  const known = new Set(sessions.map(summary => summary.session_id));
  for (const [id, part] of parts) {
    if (known.has(id) || (part.status && !isClosed(part.status.status))) continue;
    part.more.remove();
    parts.delete(id);
  }
  const order = [...parts.values()].sort((a, b) => (a.created < b.created ? 1 : -1)).map(part => part.more);
  order.forEach((more, place) => {
    if (list.children[place] !== more) list.insertBefore(more, list.children[place] ?? null);
  });
  if (first) unfold(sessions);
  listen(sessions);
};

const unfold = sessions =>
  sessions.forEach((summary, place) => {
    parts.get(summary.session_id).more.open = place < LIVE || !isClosed(summary.status);
  });

/** Whether what is shown in detail is behind what the list says; live ones are told by themselves. */
const stale = part => {
  if (!part.status) return true;
  if (streams.has(part.id)) return false;
  return part.status.status !== part.summary?.status || !isClosed(part.status.status);
};

const detail = async part => {
  if (part.status && isClosed(part.status.status) && part.status.status === part.summary?.status) return;
  heard(await ask(`api/phase3/status/${encodeURIComponent(part.id)}`));
};

const fetchResults = async part => {
  if (part.fetching) return;
  part.fetching = true;
  try {
    showResults(part, await ask(`api/phase3/results/${encodeURIComponent(part.id)}`));
  } finally {
    part.fetching = false;
  }
};

// -- events ----------------------------------------------------------------------------------------------------------

const hush = () => {
  for (const id of [...streams.keys()]) close(id);
};

const listen = sessions => {
  const wanted = sessions.filter(summary => !isClosed(summary.status)).slice(0, LIVE).map(summary => summary.session_id);
  if (document.hidden) wanted.length = 0;
  for (const [id, stream] of streams) {
    const silent = Date.now() - stream.seen > SILENT_MS;
    if (!wanted.includes(id) || silent || stream.source.readyState === EventSource.CLOSED) close(id);
  }
  for (const id of wanted) if (!streams.has(id)) open(id);
};

const open = id => {
  const source = new EventSource(`api/phase3/events/${encodeURIComponent(id)}`);
  const stream = { source, seen: Date.now() };
  streams.set(id, stream);
  const alive = () => {
    stream.seen = Date.now();
    reached();
  };
  source.addEventListener("open", alive);
  source.addEventListener("heartbeat", alive);
  source.addEventListener("status", event => {
    alive();
    heard(JSON.parse(event.data));
  });
  source.addEventListener("end", () => {
    close(id);
    refresh();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CONNECTING) refresh();  // which tells whether the whole service is gone
  });
};

const close = id => {
  streams.get(id)?.source.close();
  streams.delete(id);
};
