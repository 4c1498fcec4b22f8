// The public HTTP API, asked with the reader's token.
//
// The token goes into the Authorization header and nowhere else. When it has expired a new one is
// asked for once; every failure becomes a `Problem` (RFC 9457).

export class Problem extends Error {
  constructor({ status = 0, code = "offline", title = "", detail = "", requestId = "", errors = [], refusal }) {
    super(detail || title);
    Object.assign(this, { status, code, title, detail, requestId, errors, refusal });
  }
}

export class Api {
  /** `token` answers the token, anew when it is called with `true`. */
  constructor(base, workspace, token) {
    this.base = base;
    this.workspace = workspace;
    this.token = token;
  }

  /** Returns the address of something in the workspace. */
  url(path, params = {}) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params)) {
      if (value !== "" && value !== null && value !== undefined) query.set(key, value);
    }
    const root = path.startsWith("/") ? path : `/v1/workspaces/${encodeURIComponent(this.workspace)}/${path}`;
    const asked = query.toString();
    return `${this.base}${root}${asked ? `?${asked}` : ""}`;
  }

  async get(path, params, signal) {
    return (await this.ask(this.url(path, params), { signal })).json();
  }

  async send(method, path, body) {
    const headers = { "content-type": "application/json" };
    const answer = await this.ask(this.url(path), { method, headers, body: JSON.stringify(body) });
    return answer.status === 204 ? null : answer.json();
  }

  /** Asks with the token, and once more with a new one. */
  async ask(url, options = {}) {
    for (const again of [false, true]) {
      const token = await this.token(again);
      const answer = await this.fetch(url, options, token);
      if (answer.ok) return answer;
      if (answer.status === 401 && !again) continue;
      throw await problemOf(answer);
    }
  }

  async fetch(url, options, token) {
    const headers = { ...options.headers, authorization: `Bearer ${token ?? ""}` };
    try {
      return await fetch(url, { ...options, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({});
    }
  }

  /** Follows new events; `each` gets them one by one. Ends when `signal` says so, else comes back. */
  async follow(params, after, each, signal) {
    let last = after;
    while (!signal.aborted) {
      try {
        const url = this.url("tail", { ...params, after: last ?? "" });
        const answer = await this.ask(url, { signal });
        for await (const { id, data, event } of messages(answer.body)) {
          if (id) last = id;
          if (data && event !== "end") each(JSON.parse(data));
        }
      } catch (error) {
        if (error.name === "AbortError" || error.status === 401 || error.status === 403) return;
      }
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  const requestId = body.request_id ?? answer.headers.get("x-request-id") ?? "";
  return new Problem({ ...body, code: body.code ?? "error", status: answer.status, requestId });
}

/** Reads server-sent events. */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const message = {};
      for (const line of text.slice(0, end).split("\n")) {
        const [, name, rest] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (name) message[name] = rest;
      }
      text = text.slice(end + 2);
      yield message;
    }
  }
}
