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
    name: el("h3", {}, id),
    state: el("span", { class: "state" }),
    when: el("span", { class: "when" }),
    phases: el("ol", { class: "phases", "aria-label": "Phases" }),
    videos: el("ol", { class: "videos" }),
    cancel: el("button", { type: "button", hidden: true, on: { click: () => cancel(part) } }, "Cancel"),
    again: el("button", { type: "button", hidden: true, on: { click: () => again(part) } }, "Try again"),
    error: el("p", { class: "error", role: "alert", hidden: true }),
  };
  part.more = el("details", { class: "session", id: `session-${id}` },
    el("summary", {}, part.name, part.when, part.state),
    part.phases, part.error, part.videos, el("p", { class: "row actions" }, part.cancel, part.again));
  return part;
};

/** What the list of sessions says of it. */
export const showSummary = (part, summary) => {
  part.created = summary.created_at;
  tell(part.when, `${many(summary.videos, "video")} · ${ago(summary.created_at, now())}`);
  showState(part, part.status?.status ?? summary.status);
  const told = new Map(summary.phases.map(phase => [phase.phase, phase]));
  if (part.status) told.set(3, { ...told.get(3), phase: 3, status: part.status.status, progress: part.status.progress });
  part.phaseDocuments = told;
  showPhases(part);
};

export const showStatus = (part, status) => {
  part.status = status;
  part.created ??= status.created_at;
  tell(part.when, `${many(status.videos.length, "video")} · ${ago(part.created, now())}`);
  showState(part, status.status);
  part.phaseDocuments ??= new Map();
  part.phaseDocuments.set(3, { phase: 3, status: status.status, progress: status.progress });
  showPhases(part);
  part.cancel.hidden = isClosed(status.status);
  part.again.hidden = !["failed", "cancelled"].includes(status.status);
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

const showState = (part, status) => {
  part.state.dataset.status = status ?? "";
  tell(part.state, stateWords(status));
};

const showPhases = part => {
  const phases = [1, 2, 3].map(number => part.phaseDocuments.get(number) ?? { phase: number, status: null });
  const wanted = phases[0].status || phases[1].status ? phases : [phases[2]];  // where nobody else says anything
  const words = JSON.stringify(wanted.map(({ phase, status, progress, error }) => [phase, status, Math.floor(progress ?? 0), error]));
  if (part.phaseWords === words) return;
  part.phaseWords = words;
  part.phases.replaceChildren(...wanted.map(phaseItem));
};

const phaseItem = ({ phase, status, progress, error }) =>
  el("li", { "data-status": status ?? "" },
    el("span", { class: "phase" }, phase === 3 ? "Phase 3, videos" : `Phase ${phase}`),
    el("span", { class: "phase-state" },
      stateWords(status) + (status === "running" ? ` ${Math.floor(progress ?? 0)} %` : "")),
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

const again = part => press(part, part.again, "retry");

const press = async (part, button, path) => {
  button.disabled = true;
  try {
    part.heard(await ask(`api/phase3/${path}/${encodeURIComponent(part.id)}`, { method: "POST" }));
    tell(part.error, "");
  } catch (error) {
    tell(part.error, error.message);
  } finally {
    button.disabled = false;
  }
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
