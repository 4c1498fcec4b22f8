// What the workspace's owner is told of by e-mail: a switch for each action. Loaded when it is opened;
// it imports nothing, the page gives it what it draws with.

const MODES = ["instant", "hourly", "daily", "weekly"];

/** Answers the function that draws the dialog. */
export async function notifications(html, shown, model) {
  const { t, api } = model;
  let state = await api.get("notifications");
  let said = "";

  /** Changes something; the control goes back when the server does not take it. */
  const put = async (control, back, change) => {
    try {
      state = await api.send("PUT", "notifications", change);
      said = t("notify.saved");
    } catch (problem) {
      Object.assign(control, back);
      said = model.inWords(problem);
    }
    model.update();
  };

  const action = (one) => html`<li><label><input type="checkbox" name=${one.action} .checked=${one.on} ?disabled=${!state.enabled}
    @change=${({ target }) => put(target, { checked: one.on }, { [target.checked ? "on" : "off"]: [one.action] })}><span>${shown(one.title)}</span></label></li>`;

  const modules = () => {
    const found = new Map();
    for (const one of state.actions) found.set(one.module, [...(found.get(one.module) ?? []), one]);
    return [...found];
  };

  return () => ({
    title: t("bar.notify"),
    body: html`<p>${state.owner.email ? t("notify.to", { email: state.owner.email }) : t("notify.no_owner")}</p>
      ${state.owner.email ? state.warnings.map((text) => html`<p class="notice">${shown(text)}</p>`) : ""}
      <label class="row"><input type="checkbox" name="enabled" .checked=${state.enabled} @change=${({ target }) => put(target, { checked: state.enabled }, { enabled: target.checked })}><span>${t("notify.enabled")}</span></label>
      <label class="row"><span class="label">${t("notify.mode")}</span><select name="mode" ?disabled=${!state.enabled} @change=${({ target }) => put(target, { value: state.mode }, { mode: target.value })}>${MODES.map(
        (mode) => html`<option value=${mode} ?selected=${mode === state.mode}>${t(`notify.${mode}`)}</option>`,
      )}</select></label>
      ${modules().map(([module, list]) => html`<fieldset class="plain"><legend class="label">${shown(module)}</legend><ul class="plain picks two">${list.map(action)}</ul></fieldset>`)}
      <p class="end"><span class="under" role="status">${said}</span><button class="button primary" @click=${() => model.show(null)}>${t("filter.done")}</button></p>`,
  });
}
