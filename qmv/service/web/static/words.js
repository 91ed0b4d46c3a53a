// What people read: times, sizes, and the stages of a video in a musician's words.

const STAGES = {
  song: "Opening the song",
  beats: "Listening for the beat",
  storyboard: "Planning the shots",
  pictures: "Painting the pictures",
  video: "Cutting on the beat",
  proof: "Checking picture against sound",
  handoff: "Packing files for editors",
  delivery: "Putting it in its place",
};
const STATES = {
  queued: "Waiting",
  running: "In progress",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const stageWords = name => STAGES[name] ?? human(name);

export const stateWords = status => (status ? STATES[status] ?? human(String(status)) : "No news");

/** "beats_per_image" -> "Beats per image", "fps" -> "FPS" */
export const human = name => {
  const text = name.replaceAll("_", " ").trim();
  if (/^[b-df-hj-np-tv-z]+$/.test(text)) return text.toUpperCase();  // no vowel: the first letters of words
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

export const bytes = count => {
  if (count < 1000) return many(count, "byte");
  if (count < 1e6) return `${Math.round(count / 1000)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
};

/** Seconds as 3:07, or 1:02:03. */
export const clock = seconds => {
  const all = Math.round(seconds);
  const two = number => String(number).padStart(2, "0");
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
};

/** How long something still takes, no more exactly than anybody can know it. */
export const left = seconds => {
  if (seconds < 5) return "a moment left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.round(seconds / 3600)} h left`;
};

export const ago = (moment, now) => {
  const seconds = Math.max(0, (now - Date.parse(moment)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${many(Math.floor(seconds / 86400), "day")} ago`;
};

export const dollars = amount => (amount < 0.01 ? "less than $0.01" : `$${amount.toFixed(2)}`);

/** "12 of 31 pictures", "3 of 20 MB" */
export const counted = (done, total, unit) => {
  if (!total) return "";
  if (unit === "bytes") return `${bytes(done)} of ${bytes(total)}`;
  return `${done} of ${total} ${unit}`.trim();
};
