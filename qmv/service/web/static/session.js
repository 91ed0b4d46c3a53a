// One session on the page: its phases, its videos, and what can be done with it.

import { ask, now } from "./api.js";
import { el, find, say, tell } from "./dom.js";
import { videoCard } from "./video.js";
import { ago, many, stageWords, stateWords } from "./words.js";

const CLOSED = ["finished", "failed", "cancelled"];

export const isClosed = status => CLOSED.includes(status);

/** Makes the session's part of the page. `heard(status)` is called with each answer that a button brings. */
export const sessionPart = (id, heard) => {
  const part = {
    id, heard, status: null, results: null, cards: new Map(), spoken: new Map(),
    pressed: "",  // the button whose wish is not yet fulfilled
    name: el("h3", {}, id),
    state: el("span", { class: "state" }),
    when: el("span", { class: "when" }),
    phases: el("ol", { class: "phases", "aria-label": "Phases" }),
    videos: el("ol", { class: "videos" }),
    cancel: el("button", { type: "button", hidden: true, on: { click: () => cancel(part) } }),
    again: el("button", { type: "button", hidden: true, on: { click: () => press(part, part.again, "retry") } }),
    error: el("p", { class: "error", role: "alert", hidden: true }),
    done: el("p", { class: "notice", hidden: true }),  // by the button that was pressed last; said aloud, too
  };
  part.more = el("details", { class: "session", id: `session-${id}` },
    el("summary", {}, part.name, part.when, part.state),
    part.phases, part.error, part.done, part.videos, el("p", { class: "row actions" }, part.cancel, part.again));
  return part;
};

/** What the list of sessions says of it. */
export const showSummary = (part, summary) => {
  part.created = summary.created_at;
  tell(part.when, `${many(summary.videos, "video")} · ${ago(summary.created_at, now())}`);
  const told = new Map(summary.phases.map(phase => [phase.phase, phase]));
  showState(part, part.status ?? { status: summary.status, progress: told.get(3)?.progress });
  if (part.status) told.set(3, { ...told.get(3), phase: 3, status: part.status.status, progress: part.status.progress });
  part.phaseDocuments = told;
  showPhases(part);
};

export const showStatus = (part, status) => {
  if (part.status && isClosed(part.status.status) !== isClosed(status.status)) tell(part.done, "");
  part.status = status;
  part.created ??= status.created_at;
  tell(part.when, `${many(status.videos.length, "video")} · ${ago(part.created, now())}`);
  showState(part, status);
  part.phaseDocuments ??= new Map();
  part.phaseDocuments.set(3, { phase: 3, status: status.status, progress: status.progress });
  showPhases(part);
  showActions(part);
  for (const video of status.videos) {
    if (!part.cards.has(video.n)) {
      part.cards.set(video.n, videoCard());
      part.videos.append(part.cards.get(video.n).card);
    }
    part.cards.get(video.n).update(video, part.results?.videos.find(result => result.n === video.n));
    speak(part, video);
  }
};

/** Finished videos whose place is not known yet. */
export const lacksResults = part =>
  part.status?.videos.some(video =>
    video.status === "finished" && !part.results?.videos.some(result => result.n === video.n && result.url)) ?? false;

export const showResults = (part, results) => {
  part.results = results;
  if (part.status) showStatus(part, part.status);
};

const showState = (part, { status, progress }) => {
  part.state.dataset.status = status ?? "";
  tell(part.state, stateWords(status) + percent(status, progress));
};

const percent = (status, progress) => (status === "running" ? ` ${Math.floor(progress ?? 0)} %` : "");

/** What failed can be tried again while others go on, but nothing while they are being cancelled. */
const showActions = part => {
  const { status, videos } = part.status;
  const count = wanted => videos.filter(video => video.status === wanted).length;
  const closed = isClosed(status);
  if (part.pressed === "cancel" && (closed || count("queued"))) part.pressed = "";
  part.cancel.disabled = part.again.disabled = part.pressed !== "";
  part.cancel.textContent = part.pressed === "cancel" ? "Cancelling …" : "Cancel";
  part.again.textContent = closed ? "Try again" : `Try ${many(count("failed"), "failed video")} again`;
  part.cancel.hidden = closed;
  part.again.hidden = closed ? status === "finished" : !count("failed") || count("cancelled") > 0;
};

const showPhases = part => {
  const phases = [1, 2, 3].map(number => part.phaseDocuments.get(number) ?? { phase: number, status: null });
  const wanted = phases[0].status || phases[1].status ? phases : [];  // the own one alone stands in the summary
  const words = JSON.stringify(wanted.map(({ phase, status, progress, error }) => [phase, status, Math.floor(progress ?? 0), error]));
  if (part.phaseWords === words) return;
  part.phaseWords = words;
  part.phases.hidden = !wanted.length;
  part.phases.replaceChildren(...wanted.map(phaseItem));
};

const phaseItem = ({ phase, status, progress, error }) =>
  el("li", { "data-status": status ?? "" },
    el("span", { class: "phase" }, phase === 3 ? "Phase 3, videos" : `Phase ${phase}`),
    el("span", { class: "phase-state" },
      stateWords(status) + percent(status, progress)),
    error && phase !== 3 ? el("span", { class: "error" }, error) : null);

/** Aloud: a stage that begins and an end, and nothing of each percent. */
const speak = (part, video) => {
  const words = video.status === "running" ? stageWords(video.stage || "start") : stateWords(video.status);
  const before = part.spoken.get(video.n);
  part.spoken.set(video.n, words);
  if (before !== undefined && before !== words) say(`${video.title}: ${words}.`, `${part.id} ${video.n}`);
};

const cancel = async part => {
  if (await confirmed(part.id)) await press(part, part.cancel, "cancel");
};

const press = async (part, button, path) => {
  part.pressed = path;
  tell(part.done, "");
  tell(part.error, "");
  showActions(part);
  try {
    const status = await ask(`api/phase3/${path}/${encodeURIComponent(part.id)}`, { method: "POST" });
    if (path !== "cancel") part.pressed = "";  // what is in work still has to stop
    part.heard(status);
    tell(part.done, outcome(path, status));
    say(part.done.textContent, `${part.id} done`);  // a part that was hidden until now is not read by itself
  } catch (error) {
    part.pressed = "";
    tell(part.error, error.message);
    showActions(part);
  }
  if (button.hidden || button.disabled) part.more.firstChild.focus({ preventScroll: true });  // the focus was on it
};

const outcome = (path, { status, cancelled, retried }) => {
  if (path === "retry") return retried ? `Tried again: ${many(retried, "video")}.` : "Nothing was left to try again.";
  if (!cancelled) return "Nothing was left to cancel.";
  return isClosed(status) ? `Cancelled: ${many(cancelled, "video")}.` : `Cancelling ${many(cancelled, "video")}.`;
};

const confirmed = id => {
  const dialog = find("confirm");
  find("confirm-title").textContent = `Cancel ${id}?`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise(resolve => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
};
