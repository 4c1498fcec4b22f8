// The parts of the console, each a function that answers its elements.

import { ask, get, path } from "./console.api.js";
import { choice, el, field, form, kept, row as line, secrets, table, text, unseen } from "./console.dom.js";

export { destinations, rules } from "./console.delivery.js";
export { holds, keeping, warnings } from "./console.keeping.js";

const readers = (list, t) => (list?.length ? list.join(", ") : t("readers_all"));

/** Workspaces: their presets, plans, owners, who may see, and their audit logs. */
export async function workspaces({ t, show }) {
  const [list, presets] = await Promise.all([get("/v1/workspaces?limit=100"), get("/v1/catalogs")]);
  const own = list.data.filter((one) => !one.workspace.startsWith("_"));
  const row = (one) => [
    el("span", {}, one.name ?? one.workspace, el("br"), el("small", {}, one.workspace)),
    one.preset ?? "default",
    readers(one.readers, t),
    kept(one.retention, t),
    String(one.head.size),
    el("span", { class: "buttons" },
      el("a", { href: path("w", one.workspace), class: "button", "aria-label": `${t("open_log")}: ${one.name ?? one.workspace}` }, t("open_log")),
      el("button", { type: "button", "aria-label": `${t("edit")}: ${one.name ?? one.workspace}`, onclick: () => show(edit(one, presets.data, { t, show })) }, t("edit"))),
  ];
  const heads = [t("workspace"), t("preset"), t("readers"), t("retention"), t("events"), unseen(t("steps"))];
  const body = el("div", {}, own.length
    ? table(t("workspaces"), heads, own.map(row))
    : el("p", {}, t("workspaces_none")));
  const more = async (after, button) => {
    const next = await get(`/v1/workspaces?limit=100&after=${encodeURIComponent(after)}`);
    document.querySelector("tbody").append(...next.data.map((one) => line(heads, row(one))));
    if (next.next_after) button.onclick = () => more(next.next_after, button);
    else button.remove();
  };
  if (list.next_after) {
    const button = el("button", { type: "button" }, t("more"));
    button.onclick = () => more(list.next_after, button);
    body.append(el("p", {}, button));
  }
  body.append(el("p", {}, el("button", { type: "button", onclick: () => show(edit(null, presets.data, { t, show })) }, t("workspace_new"))));
  return [body];
}

function edit(one, presets, { t, show }) {
  const plans = el("select", { name: "plan" });
  const who = el("p", { class: "quiet" });
  const preset = choice("preset", presets.map((each) => [each.name, `${each.title} (${each.name})`]), one?.preset ?? "default");
  const follow = () => {
    const chosen = presets.find((each) => each.name === preset.value);
    const all = Object.entries(chosen?.plans ?? {});
    plans.replaceChildren(el("option", { value: "" }, t("plan_default")),
      ...all.map(([plan, keep]) => el("option", { value: plan, selected: plan === one?.plan }, `${plan} – ${kept(keep, t)}`)));
    who.replaceChildren(`${t("readers")}: ${readers(chosen?.readers, t)}`);
  };
  preset.addEventListener("change", follow);
  follow();
  const send = async (data) => {
    const name = one?.workspace ?? data.get("workspace");
    const filled = (key) => data.get(key) || null;
    await ask("PUT", path("v1", "workspaces", name), {
      name: filled("name"), preset: filled("preset"), plan: filled("plan"),
      owner: { name: filled("owner_name"), email: filled("owner_email") },
      app_url: filled("app_url"), viewer_url: filled("viewer_url"),
    });
    await show(null, t("saved"));
  };
  return [
    el("h2", { tabindex: "-1" }, one ? (one.name ?? one.workspace) : t("workspace_new")),
    form(t("save"), send,
      one ? null : field(t("workspace_id"), text("workspace", "", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9_.:\\-]{0,127}" })),
      field(t("workspace_title"), text("name", one?.name)),
      field(t("preset"), preset), who,
      field(t("plan"), plans),
      field(t("owner_name"), text("owner_name", one?.owner?.name)),
      field(t("owner_email"), text("owner_email", one?.owner?.email, { type: "email" })),
      field(t("app_url"), text("app_url", one?.app_url, { type: "url" })),
      field(t("viewer_url"), text("viewer_url", one?.viewer_url, { type: "url" }))),
    el("p", {}, el("button", { type: "button", onclick: () => show(null) }, t("cancel"))),
  ];
}

/** Keys: made, shown once, revoked. */
export async function keys({ t, show, now, chosen }) {
  const list = (await get("/v1/keys")).data.sort((one, other) => other.created_at.localeCompare(one.created_at));
  const state = (key) => (key.revoked_at ? t("revoked") : key.expires_at && key.expires_at < now() ? t("expired") : t("live"));
  const revoke = async (key) => {
    if (!confirm(t("revoke_sure", { name: key.name }))) return;
    try {
      await ask("DELETE", path("v1", "keys", key.id));
      await show(null, t("saved"));
    } catch (problem) {
      await show(null, problem.message);
    }
  };
  const rows = list.map((key) => [
    el("span", {}, key.name, el("br"), el("small", {}, key.id)),
    key.scopes.map((scope) => t(`scope_${scope}`)).join(", "),
    key.workspaces.join(" "),
    key.created_at.slice(0, 10),
    state(key),
    key.revoked_at ? "" : el("button", { type: "button", "aria-label": `${t("revoke")}: ${key.name}`, onclick: () => revoke(key) }, t("revoke")),
  ]);
  const send = async (data) => {
    const key = await ask("POST", "/v1/keys", {
      name: data.get("name"), scopes: data.getAll("scopes"),
      workspaces: data.get("workspaces").trim().split(/\s+/),
    });
    chosen.secrets = [key.key];
    await show(null, t("saved"));
  };
  const scopes = ["write", "read", "import", "admin"].map((scope) =>
    el("label", { class: "tick" }, el("input", { type: "checkbox", name: "scopes", value: scope }), ` ${t(`scope_${scope}`)}`));
  return [
    secrets(chosen, t("key_made"), t),
    table(t("keys"), [t("name"), t("scopes"), t("workspaces"), t("created"), t("state"), unseen(t("steps"))], rows),
    el("h2", {}, t("key_new")),
    form(t("create"), send,
      field(t("name"), text("name", "", { required: true })),
      el("fieldset", {}, el("legend", {}, t("scopes")), scopes),
      field(t("key_workspaces"), text("workspaces", "*", { required: true }))),
  ];
}

/** Presets: what there is, and putting a new version into force. */
export async function presets({ t, show }) {
  const list = (await get("/v1/catalogs")).data;
  const rows = list.map((one) => [
    el("span", {}, one.title, el("br"), el("small", {}, one.name)),
    one.built_in ? t("preset_built_in") : String(one.version),
    String(one.actions),
    readers(one.readers, t),
    Object.entries(one.plans).map(([plan, keep]) => `${plan}: ${kept(keep, t)}`).join(", "),
  ]);
  const area = el("textarea", { name: "text", rows: "16", required: true, spellcheck: "false" });
  const name = () => /^\s*name\s*=\s*"([^"]*)"/m.exec(area.value)?.[1] ?? "unnamed";
  const put = (check) => ask("PUT", `${path("v1", "catalogs", name())}${check ? "?check=true" : ""}`, area.value, "application/toml");
  const send = async (_, made) => {
    const found = await put(true);
    const force = el("button", { type: "button", onclick: async () => {
      await put(false);
      await show(null, t("saved"));
    } }, t("preset_force"));
    made.querySelector(".next").replaceChildren(force);
    return t("preset_right", { n: found.actions, version: found.version });
  };
  return [
    table(t("presets"), [t("preset"), t("preset_version"), t("preset_actions"), t("readers"), t("plan")], rows),
    el("h2", {}, t("preset_put")),
    form(t("preset_check"), send, field(t("preset_text"), area), el("p", { class: "next" })),
  ];
}

/** Views of one workspace: those of the preset, and everybody's. */
export async function views({ t, show, chosen }) {
  const list = (await get("/v1/workspaces?limit=1000")).data.filter((one) => !one.workspace.startsWith("_"));
  if (!list.length) return [el("p", {}, t("workspaces_none"))];
  const place = chosen.workspace ?? list[0].workspace;
  const pick = choice("workspace", list.map((one) => [one.workspace, one.name ?? one.workspace]), place);
  pick.addEventListener("change", () => {
    chosen.workspace = pick.value;
    show(null);
  });
  const found = (await get(`/v1/views?workspace=${encodeURIComponent(place)}`)).data;
  const remove = async (view) => {
    await ask("DELETE", `/v1/views?shared=true&workspace=${encodeURIComponent(place)}&name=${encodeURIComponent(view.name)}`);
    await show(null, t("saved"));
  };
  const rows = found.map((view) => [
    view.name,
    el("code", {}, view.query),
    t(view.ready ? "view_ready" : "view_shared"),
    view.ready ? "" : el("button", { type: "button", "aria-label": `${t("remove")}: ${view.name}`, onclick: () => remove(view) }, t("remove")),
  ]);
  const send = async (data) => {
    await ask("PUT", "/v1/views", { workspace: place, name: data.get("name"), query: data.get("query"), shared: true });
    await show(null, t("saved"));
  };
  return [
    field(t("workspace"), pick),
    rows.length ? table(t("views"), [t("name"), t("view_query"), t("view_whose"), unseen(t("steps"))], rows) : el("p", {}, t("views_none")),
    el("h2", {}, t("view_new")),
    form(t("create"), send, field(t("name"), text("name", "", { required: true })), field(t("view_query"), text("query"))),
  ];
}

/** Operators: adding one, changing a password. */
export async function operators({ t }) {
  const send = async (data, all) => {
    await ask("POST", "/console/operators", { name: data.get("name"), password: data.get("password") });
    all.reset();
    return t("saved");
  };
  return [
    el("p", {}, t("operators_why")),
    el("h2", {}, t("operator_new")),
    form(t("save"), send,
      field(t("name"), text("name", "", { required: true, autocomplete: "username", pattern: "[a-z0-9._\\-]{1,40}" })),
      field(t("password"), text("password", "", { type: "password", required: true, minlength: "15", autocomplete: "new-password" }))),
  ];
}
