// The demo's host pages: the switch of roles works at once, without its button.

const choice = document.querySelector("select[name=role]");
choice?.addEventListener("change", () => choice.form.submit());
