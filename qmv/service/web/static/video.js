// One video of a session: how far it is, its pictures as they arrive, and the player once it is there.

import { now } from "./api.js";
import { el, tell } from "./dom.js";
import { bytes, clock, counted, dollars, human, left, many, stageWords, stateWords } from "./words.js";

/** Makes the card; `update(video, result)` brings it up to date, and touches only what changed. */
export const videoCard = () => {
  const parts = {
    title: el("h4"),
    style: el("span", { class: "style-name" }),
    state: el("span", { class: "state" }),
    stage: el("p", { class: "stage" }),
    bar: el("progress", { max: 100, value: 0 }),
    facts: el("p", { class: "facts" }),
    film: el("ol", { class: "film", tabIndex: 0, hidden: true, on: { scroll: looked } }),
    notice: el("p", { class: "notice", hidden: true }),
    before: el("p", { class: "notice", hidden: true }),
    error: el("p", { class: "error", hidden: true }),
    retry: el("p", { class: "facts retry", hidden: true }),
    player: el("div", { class: "player", hidden: true }),
  };
  const card = el("li", { class: "video" },
    el("header", {}, el("div", {}, parts.title, parts.style), parts.state),
    el("div", { class: "going" }, parts.stage, parts.bar, parts.facts),
    parts.film, parts.notice, parts.before, parts.error, parts.retry, parts.player);
  return { card, update: (video, result) => update(parts, card, video, result) };
};

const update = (parts, card, video, result) => {
  const open = video.status === "queued" || video.status === "running";
  card.dataset.status = video.status;
  tell(parts.title, video.title || `Video ${video.n}`);
  parts.title.title = video.title;  // a long one is cut short
  tell(parts.style, human(video.style));
  parts.state.dataset.status = video.status;
  tell(parts.state, stateWords(video.status));
  parts.stage.parentElement.hidden = !open;
  tell(parts.stage, going(video));
  parts.bar.hidden = video.status === "queued";
  parts.bar.value = video.progress;
  parts.bar.setAttribute("aria-label", `${video.title}: done`);
  tell(parts.facts, facts(video));
  tell(parts.notice, open ? video.notice : "");
  tell(parts.before, open && video.last_try ? `Last try: ${video.last_try}` : "");
  tell(parts.error, video.status === "finished" ? "" : video.error);
  tell(parts.retry, next(video));
  film(parts.film, video, open);
  if (video.status !== "finished") clear(parts.player);
  else if (result?.url) play(parts.player, video, result);
};

// -- words -----------------------------------------------------------------------------------------------------------

/** A run that has ended has no stage any more; one that has not begun, none to come either. */
const going = video => {
  if (video.status === "queued") return video.attempt ? "Waits for another try" : "Waits for its turn";
  if (!video.stage) return video.stages.length && video.progress >= 99 ? "Nearly there" : "Getting ready";
  const place = video.stages.indexOf(video.stage) + 1;
  const count = counted(video.done, video.total, video.unit);
  return `${place ? `Step ${place} of ${video.stages.length}: ` : ""}${stageWords(video.stage)}${count && `, ${count}`}`;
};

const facts = video => {
  const told = [];
  if (video.status === "running") {
    told.push(`${Math.floor(video.progress)} %`);
    if (video.time_left_s !== null) told.push(left(video.time_left_s));
    if (video.attempt > 1) told.push(`try ${video.attempt}`);
  }
  if (Number(video.cost_usd) > 0) told.push(`pictures for ${dollars(Number(video.cost_usd))}`);
  return told.join(" · ");
};

/** When it is tried again, or that it no longer is. */
const next = video => {
  if (video.status === "failed" && video.parked) return `Tried ${many(video.attempt, "time")}, and put aside.`;
  if (video.status !== "queued" || !video.retry_at) return "";
  const seconds = Math.ceil((Date.parse(video.retry_at) - now()) / 1000);
  return seconds > 0 ? `Tried again in ${clock(seconds)}.` : "Tried again as soon as a worker is free.";
};

// -- pictures --------------------------------------------------------------------------------------------------------

const film = (strip, video, open) => {
  const shown = open || video.status !== "finished" ? video.pictures : [];
  strip.hidden = !shown.length && video.status !== "running";
  strip.setAttribute("aria-label", `Pictures of ${video.title}`);
  if (strip.children.length > shown.length) strip.replaceChildren();
  for (let place = strip.children.length; place < shown.length; place += 1) {
    strip.append(el("li", {}, el("img", {
      src: shown[place], alt: `Picture ${place + 1} of ${video.title}`, decoding: "async",
      on: { load: event => shape(strip, event.target) },
    })));
  }
  follow(strip);
};

/** The newest picture stays in sight, unless somebody looks at earlier ones. */
const follow = strip => {
  if (strip.dataset.looking !== "yes") strip.scrollLeft = strip.scrollWidth;
};

const looked = ({ target }) => {
  const end = target.scrollLeft + target.clientWidth > target.scrollWidth - 24;
  target.dataset.looking = end ? "no" : "yes";
};

/** The frames of the strip take the form of the video; its height is the same for all. */
const shape = (strip, image) => {
  const ratio = image.naturalWidth / image.naturalHeight;
  strip.dataset.shape = ratio > 1.2 ? "wide" : ratio < 0.8 ? "tall" : "square";
  follow(strip);
};

// -- finished --------------------------------------------------------------------------------------------------------

const isWeb = address => /^(https?:\/\/|\/)/.test(address ?? "");

const isElsewhere = address => new URL(address, location.href).origin !== location.origin;

/** A video that is made anew may come to lie at the same address. */
const clear = place => {
  place.hidden = true;
  place.replaceChildren();
  delete place.dataset.url;
};

const play = (place, video, result) => {
  if (place.dataset.url === result.url) return;
  place.dataset.url = result.url;
  place.hidden = false;
  if (!isWeb(result.url)) {
    place.replaceChildren(el("p", { class: "facts" }, `It lies at ${result.url}`));
    return;
  }
  const about = result.metadata ?? {};
  place.replaceChildren(screen(video, result, about), links(result), sums(about));
};

const screen = (video, result, about) => {
  const size = about.video ?? about;
  const made = el("video", {
    controls: true, playsInline: true, preload: "metadata", src: result.url, "aria-label": video.title,
    poster: isWeb(result.thumbnail_url) ? result.thumbnail_url : undefined,
    width: size.width_px, height: size.height_px,
  });
  if (size.width_px) made.style.aspectRatio = `${size.width_px} / ${size.height_px}`;
  if (size.height_px > size.width_px) made.classList.add("tall");
  if (isWeb(result.captions_url) && !isElsewhere(result.captions_url)) {  // browsers read no captions of other hosts
    made.append(el("track", { kind: "captions", label: "Lyrics", src: result.captions_url, default: true }));
  }
  made.addEventListener("error", () => {
    const words = isElsewhere(result.url)
      ? "The video cannot be played from where it lies: its address may have ended, or not be open to everybody."
      : "The video cannot be played here; download it instead.";
    made.replaceWith(el("p", { class: "error" }, words));
  });
  return made;
};

/** Browsers do not save what lies on another host but show it, which must not take the place of this page. */
const links = result => {
  const saved = result.download_url ?? result.url;
  return el("p", { class: "links" },
    el("a", { class: "button", href: saved, download: "", target: isElsewhere(saved) ? "_blank" : "" }, "Download"),
    hasPage(result) ? el("a", { href: result.page_url }, "Its own page") : null,
    isWeb(result.captions_url) && isElsewhere(result.captions_url)
      ? el("a", { href: result.captions_url, target: "_blank" }, "Its lyrics as captions") : null);
};

/** A page names its video beside it, which a signature of the page's own address does not open. */
const hasPage = ({ page_url }) => isWeb(page_url) && !new URL(page_url, location.href).search;

const sums = about => {
  const size = about.video ?? about;
  const told = [
    ["Length", lengthOf(size) && clock(lengthOf(size))],
    ["Size", size.size_bytes && bytes(size.size_bytes)],
    ["Picture", size.width_px && `${size.width_px} × ${size.height_px}`],
    ["In sync", inSync(about.sync)],
  ].filter(([, value]) => value);
  return el("dl", { hidden: !told.length },
    ...told.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
};

/** In seconds; the frame rate is a number or a fraction, such as 24000/1001. */
const lengthOf = ({ duration_s, frames, fps }) => {
  const [rate, by = 1] = String(fps ?? "").split("/").map(Number);
  return duration_s ?? (frames && rate ? frames * by / rate : 0);
};

const inSync = sync => {
  if (!sync?.measured) return "";
  const worst_ms = Number((sync.worst_ms ?? 0).toFixed(1));
  return `${many(sync.measured, "cut")}, ${worst_ms ? `at worst ${worst_ms} ms off` : "each on its frame"}`;
};
