// The service, asked by HTTP: answers, refusals as sentences, and whether it can be reached at all.

const RETRIES_MS = [1000, 3000, 8000];

/** A refusal; `message` is the one sentence that the service says, `status` is 0 where it did not answer, `field` is
 * what of a start it is about, "" where that is not told. */
export class Refusal extends Error {
  constructor(sentence, status, field = "") {
    super(sentence);
    this.status = status;
    this.field = field;
  }
}

/** Fires `lost`, `back` and `login`. */
export const link = new EventTarget();

let lost = false;
let ahead_ms = 0;

/** The service's time, by which its moments are told. */
export const now = () => Date.now() + ahead_ms;

export const reached = () => {
  if (lost) link.dispatchEvent(new Event("back"));
  lost = false;
};

export const unreached = () => {
  if (!lost) link.dispatchEvent(new Event("lost"));
  lost = true;
};

export const ask = async (path, { method = "GET", json } = {}) => {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: json === undefined ? {} : { "Content-Type": "application/json" },
      body: json === undefined ? undefined : JSON.stringify(json),
    });
  } catch {
    unreached();
    throw new Refusal("The service cannot be reached; check the connection and try again.", 0);
  }
  if (answer.status >= 502 && answer.status <= 504) unreached();
  else reached();
  const date = Date.parse(answer.headers.get("Date"));
  if (date && Math.abs(date - Date.now()) > 5000) ahead_ms = date - Date.now();
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  throw refusal(answer.status, text, path);
};

const refusal = (status, text, path) => {
  if (status === 401 && !path.endsWith("login")) link.dispatchEvent(new Event("login"));
  try {
    const { detail, field } = JSON.parse(text);
    return new Refusal(detail || `The service refused (${status}).`, status, field);
  } catch {
    return new Refusal(`The service refused (${status}); try again later.`, status);
  }
};

/** Sends a form with files; what gets lost on the way is sent again under the same key, which is safe.
 *
 * `moved(sent, total)` is called as bytes leave. `stop` is an AbortSignal.
 */
export const send = async (path, form, key, { moved, stop, again }) => {
  for (const wait_ms of [...RETRIES_MS, null]) {
    try {
      return await sendOnce(path, form, key, { moved, stop });
    } catch (error) {
      if (wait_ms === null || stop.aborted || ![0, 502, 503, 504].includes(error.status)) throw error;
      again();
      await new Promise(resolve => setTimeout(resolve, wait_ms));
      if (stop.aborted) throw error;
    }
  }
};

const sendOnce = (path, form, key, { moved, stop }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();  // fetch does not tell how much has left
    const failed = () => reject(new Refusal("The songs could not be sent: the connection was lost; press Start again.", 0));
    request.upload.addEventListener("progress", event => moved(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(refusal(request.status, request.responseText, path));
    });
    request.addEventListener("error", failed);
    request.addEventListener("abort", () => reject(new Refusal("", 0)));
    stop.addEventListener("abort", () => request.abort());
    request.open("POST", path);
    request.setRequestHeader("Idempotency-Key", key);
    request.send(form);
  });
