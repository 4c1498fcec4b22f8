// The public API, asked with the operator's session: a cookie that this page cannot read.

export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || body.title || "");
    Object.assign(this, body, { status });
  }
}

/** Asks and answers the JSON document; throws a `Problem`. */
export async function ask(method, path, body, type = "application/json") {
  const headers = body === undefined ? {} : { "content-type": type };
  const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent, cache: "no-store" }).catch(() => null);
  if (!answer) throw new Problem({ code: "offline" }, 0);
  const read = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(read, answer.status);
  return read;
}

export const get = (path) => ask("GET", path);
export const path = (...steps) => `/${steps.map(encodeURIComponent).join("/")}`;
